// The card of a message: how it was translated and delivered. One for the whole page; it goes to
// the badge that the pointer or the focus is on.

import { element } from "./elements.js";
import { clock, languageName, lasting, messageState, moment } from "./words.js";

export class Card {
  // `rowOf(node)` gives the row of a bubble.
  constructor({ list, scroller, rowOf }) {
    Object.assign(this, { scroller, rowOf });
    this.node = element("dl", "popover");
    this.node.id = "message-card";
    this.node.setAttribute("role", "tooltip");
    for (const type of ["mouseover", "focusin"]) list.addEventListener(type, (event) => this.comeTo(event.target));
    list.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.node.isConnected) {
        event.stopPropagation();
        this.leave();
      }
    });
    list.addEventListener("mouseout", (event) => this.left(event));
    list.addEventListener("focusout", (event) => this.left(event));
  }

  comeTo(target) {
    const anchor = target.closest?.(".anchor");
    if (!anchor || anchor === this.anchor) return;
    this.leave();
    this.anchor = anchor;
    this.button = anchor.querySelector("button");
    this.button.setAttribute("aria-describedby", this.node.id);
    this.refresh();
    anchor.append(this.node);
    this.place();
  }

  left(event) {
    if (!this.anchor || this.anchor.contains(event.relatedTarget)) return;
    if (this.anchor.contains(document.activeElement) && event.type === "mouseout") return;
    this.leave();
  }

  leave() {
    if (!this.anchor) return;
    this.button.removeAttribute("aria-describedby");
    this.node.remove();
    this.anchor = null;
  }

  // What it says may have changed, and its bubble may have gone.
  refresh() {
    if (!this.anchor) return;
    const row = this.anchor.isConnected && this.rowOf(this.anchor.closest(".bubble"));
    if (row) fill(this.node, facts(row));
    else this.leave();
  }

  // Above the badge, below where the transcript would cut it off; within the transcript's width.
  place() {
    this.node.classList.remove("under", "from-end");
    const edge = this.scroller.getBoundingClientRect();
    const box = this.node.getBoundingClientRect();
    if (box.top < edge.top) this.node.classList.add("under");
    if (box.right > edge.right) this.node.classList.add("from-end");
  }
}

function facts(row) {
  const found = [];
  const add = (name, value) => value && found.push([name, value]);
  const from = row.source_language || row.original?.language;
  add("Detected", from && languageName(from));
  add("Confidence", Number.isFinite(row.confidence) && `${Math.round(row.confidence * 100)} %`);
  add("Translated to", row.translated && languageName(row.translated.language));
  add("Provider", row.provider);
  add("Memory", row.provider && (row.from_memory ? "hit: nothing was sent to the provider" : "not used"));
  add("Latency", row.from_memory ? "" : lasting(row.latency_ms));
  add("Translation", row.translation_reason);
  add("State", messageState(row)[2]);
  if (row.delivery) addDelivery(add, row);
  if (row.attributes) {
    const written = row.attributes.written_at ? ` at ${clock(row.attributes.written_at)}` : "";
    add("Attributes", `${row.attributes.state}${written}`);
  }
  add("Sent", moment(row.sent_at));
  add("Received", moment(row.received_at));
  return found;
}

function addDelivery(add, row) {
  const { state, reason, attempts, confirmed_at: at, confirmed_by: by, duplicates } = row.delivery;
  add("Delivery", state);
  add("Reason", reason);
  add("Attempts", attempts > 1 && String(attempts));
  add("Duplicate", duplicates > 0 && `stands ${duplicates + 1} times`);
  if (!at) return;
  add("Delivered", `${lasting(new Date(at) - new Date(row.received_at))} after receipt, known by ${by || "answer"}`);
}

export function fill(list, pairs) {
  const key = JSON.stringify(pairs);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)]));
}
