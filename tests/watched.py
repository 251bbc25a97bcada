"""A browser's page under watch: what executed, what its policy reported, what it shows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from tests.doors.visitors import session_cookie
from tests.web import Web

_REPORT = """
addEventListener("securitypolicyviolation", (event) => __reported(
  `${event.effectiveDirective} at ${location.pathname}: ${event.blockedURI} ${event.sample}`));
"""
# The text of every element, as it stands in the document; without white space where asked.
_MISSING = """([texts, isSpaced]) => {
  const plain = (text) => isSpaced
    ? text.replace(/\\r\\n?/g, "\\n")
    : text.replace(/[\\s\\u0085]+/g, "");
  const shown = new Set();
  for (const node of document.querySelectorAll("body *")) shown.add(plain(node.textContent));
  return texts.map(plain).filter((text) => text && !shown.has(text));
}"""
_LINKS_ELSEWHERE = """() => [...document.querySelectorAll("[href], [src], form[action]")]
  .map((node) => node.href || node.action || node.src)
  .filter((address) => new URL(address, location).origin !== location.origin)"""
# Texts that stand out of the element that holds them, or of the page.
_OUT_OF_BOX = """() => {
  const found = [];
  // What is for screen readers alone stands clipped in a corner.
  const isUnseen = (node) => node && (node.getBoundingClientRect().width <= 2
    || isUnseen(node.parentElement));
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll("body *")]
      .filter((node) => node.getBoundingClientRect().right > innerWidth)
      .map((node) => `${node.tagName}.${node.className} ${node.textContent.slice(0, 40)}`);
    found.push(`the page scrolls sideways: ${wide.slice(-4).join(" | ")}`);
  }
  for (const node of document.querySelectorAll("[data-hidden]")) {
    const box = node.getBoundingClientRect();
    if (!box.width || isUnseen(node)) continue;
    const holder = node.closest("article, td, li, pre") ?? node.parentElement;
    const around = holder.getBoundingClientRect();
    const isOut = box.left < around.left - 1 || box.right > around.right + 1
      || box.top < around.top - 1 || box.bottom > around.bottom + 1;
    if (isOut) found.push(`${node.textContent.slice(0, 40)} in ${holder.className}`);
    const { overflowX } = getComputedStyle(node);
    if (overflowX === "visible") found.push(`not clipped: ${node.className}`);
  }
  return found;
}"""


class Watched:
    def __init__(self, web: Web) -> None:
        self.web, self.page = web, web.page
        self.executed: list[Any] = []
        self.reports: list[str] = []
        self.page.expose_function("__xss", lambda what: self.executed.append(what))
        self.page.expose_function("__reported", lambda what: self.reports.append(what))
        self.page.add_init_script(_REPORT)
        self.page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Any) -> None:
        self.executed.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def be(self, user: User) -> None:
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session_cookie(user)}
        self.page.context.add_cookies([cookie | {"url": self.web.address}])

    def goto(self, path: str, *, status: int = 200) -> None:
        answer = self.page.goto(self.web.address + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"

    def missing(self, texts: Collection[str], *, is_spaced: bool = True) -> list[str]:
        """Which of these no element shows exactly; pages of Django may break lines anew."""
        return self.page.evaluate(_MISSING, [list(texts), is_spaced])

    def until_shown(self, texts: Sequence[str], *, within_s: float = 15) -> None:
        missing: list[str] = []
        for _ in range(int(within_s * 5)):
            missing = self.missing(texts)
            if not missing:
                return
            self.page.wait_for_timeout(200)
        raise AssertionError([text[:60] for text in missing])

    def assert_harmless(self) -> None:
        assert self.executed == []
        assert not self.reports, sorted(set(self.reports))
        assert self.page.evaluate(_LINKS_ELSEWHERE) == []

    def assert_in_shape(self) -> None:
        out = self.page.evaluate(_OUT_OF_BOX)
        assert not out, out[:5]
