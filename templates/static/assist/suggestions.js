// What the knowledge service found, newest first; what was found a while ago fades.

import { element, setSpoken, setText } from "../console/elements.js";

const SHOWN = 12;
const STALE_MS = 60_000;
const band = (score) => (score >= 0.75 ? "likely" : score >= 0.5 ? "possible" : "verify");

export class Suggestions {
  constructor(list, note) {
    this.list = list;
    this.note = note;
    this.cards = new Map(); // address or title → card
    setInterval(() => this.fade(), 1000);
  }

  // The same article is one card, moved to the top when it is found again.
  take(line) {
    line.suggestions.forEach((found) => {
      const key = found.url || found.title;
      const known = this.cards.get(key);
      if (known && known.foundAt >= Date.parse(found.found_at)) return;
      known?.node.remove();
      this.cards.set(key, { node: card(found, line), foundAt: Date.parse(found.found_at) });
    });
    this.arrange();
  }

  arrange() {
    const newest = [...this.cards].sort(([, a], [, b]) => b.foundAt - a.foundAt);
    newest.slice(SHOWN).forEach(([key, { node }]) => {
      node.remove();
      this.cards.delete(key);
    });
    newest.slice(0, SHOWN).forEach(([, { node }], place) => {
      if (this.list.children[place] !== node) this.list.insertBefore(node, this.list.children[place] ?? null);
    });
    this.note.hidden = this.cards.size > 0;
    this.fade();
  }

  fade() {
    const now = Date.now();
    for (const { node, foundAt } of this.cards.values()) {
      const seconds = Math.max(0, Math.floor((now - foundAt) / 1000));
      node.classList.toggle("stale", now - foundAt > STALE_MS);
      setText(node.querySelector(".since"), seconds < 60 ? `${seconds} s ago` : `${Math.floor(seconds / 60)} min ago`);
    }
  }
}

function card(found, line) {
  const node = element("li", "suggestion");
  const title = element(found.url ? "a" : "strong", "suggestion-title");
  setSpoken(title, { text: found.title });
  title.dir = "auto";
  if (found.url) {
    title.href = found.url;
    title.target = "_blank";
    title.rel = "noopener noreferrer";
  }
  const snippet = element("p", "snippet");
  setSpoken(snippet, { text: found.snippet });
  snippet.dir = "auto";
  const foot = element("p", "suggestion-foot");
  if (found.score !== null) {
    const score = element("span", `state ${found.score >= 0.75 ? "ok" : found.score >= 0.5 ? "waiting" : "ambiguous"}`);
    score.textContent = `${Math.round(found.score * 100)} % ${band(found.score)}`;
    score.title = "How well the knowledge service thinks that it fits";
    foot.append(score);
  }
  if (found.is_late) foot.append(element("span", "state quiet", "came late"));
  if (found.url) foot.append(element("bdi", "source", new URL(found.url).host));
  foot.append(element("span", "since"));
  if (line.text) foot.title = `For: ${line.text}`;
  node.append(title, snippet, foot);
  return node;
}
