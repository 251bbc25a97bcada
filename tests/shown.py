"""What a page of a conversation shows: two pages that show the same have the same of it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

# Ids that are counted up on a page differ between two of them, and so may the order of attributes.
_SHOWN = """
() => {
  const COUNTED = ["id", "aria-describedby", "aria-controls", "aria-labelledby"];
  const bubbles = document.getElementById("bubbles").cloneNode(true);
  for (const node of bubbles.querySelectorAll("*")) {
    const kept = [...node.attributes].filter(({ name }) => !COUNTED.includes(name));
    for (const name of node.getAttributeNames()) node.removeAttribute(name);
    kept.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, value } of kept) node.setAttribute(name, value);
  }
  const head = ["guest-name", "agent-name", "languages", "conversation-state"];
  return [bubbles.innerHTML, ...head.map((id) => document.getElementById(id)?.textContent)];
}
"""
# A page may put off drawing to the next frame.
_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"


def shown_on(page: Page) -> Any:
    page.evaluate(_DRAWN)
    return page.evaluate(_SHOWN)
