// Who is typing. An indicator never outlives what it indicates: it ends when they stop, after 5 s
// without being told again, with a message, with the conversation, and when the page is not live.

import { element } from "./elements.js";

const TYPING_MS = 5000;

export class Typing {
  // `nameOf(origin)` says who that is.
  constructor(node, nameOf) {
    this.node = node;
    this.nameOf = nameOf;
    this.until = new Map();
    setInterval(() => this.show(), 500);
  }

  hear(origin, state) {
    if (state !== "active") this.until.delete(origin);
    else this.until.set(origin, performance.now() + TYPING_MS);
    this.show();
  }

  ended(origin) {
    if (this.until.delete(origin)) this.show();
  }

  allEnded() {
    this.until.clear();
    this.show();
  }

  show() {
    const now = performance.now();
    for (const [who, until] of this.until) if (until <= now) this.until.delete(who);
    const names = [...this.until.keys()].map(this.nameOf);
    const shown = [...this.node.querySelectorAll("bdi")].map((one) => one.textContent);
    if (names.join() === shown.join()) return; // a screen reader is told once
    const parts = names.flatMap((name, index) => [index ? " and " : "", element("bdi", "", name)]);
    if (names.length) parts.push(names.length > 1 ? " are typing…" : " is typing…");
    this.node.replaceChildren(...parts);
  }
}
