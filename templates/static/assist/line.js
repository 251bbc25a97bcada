// One line of a call: what was said, with what was taken out of it as chips.

import { element, setText } from "../console/elements.js";
import { hiddenIn } from "../console/hidden.js";

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const WORDS = {
  CARD: "a payment card number",
  IBAN: "a bank account number (IBAN)",
  EMAIL: "an e-mail address",
  PHONE: "a phone number",
  SSN: "a social security number",
  IP: "an IP address",
  CVV: "a card's security code",
  NUMBER: "a long number that was said in pieces",
};
const LOW = 0.6;

// `[CARD]` becomes a chip only where the line says that such a thing was taken out.
export function showText(node, text, kinds) {
  node.replaceChildren();
  node.dataset.hidden = hiddenIn(text);
  const names = kinds.filter((kind) => /^[A-Z][A-Z0-9_]*$/.test(kind));
  const pattern = names.length ? new RegExp(`\\[(${names.join("|")})\\]`) : null;
  const parts = pattern ? text.split(pattern) : [text];
  parts.forEach((part, place) => {
    if (place % 2 === 0) node.append(part);
    else node.append(chip(part));
  });
}

function chip(kind) {
  const what = WORDS[kind] ?? `something that matches the pattern ${kind}`;
  const made = element("span", "chip", `[${kind}]`);
  made.title = `Removed before it was stored: ${what}`;
  made.tabIndex = 0;
  made.setAttribute("aria-label", `removed: ${what}`);
  made.setAttribute("role", "note");
  return made;
}

export class Line {
  constructor(row) {
    this.node = element("li", "line");
    this.head = element("span", "line-head");
    this.clock = element("time", "clock");
    this.mark = element("span", "state");
    this.confidence = element("span", "confidence");
    this.head.append(this.clock, this.mark, this.confidence);
    this.text = element("span", "line-text");
    this.text.dir = "auto";
    this.node.append(this.text, this.head);
    this.update(row);
  }

  get seq() {
    return this.row.seq;
  }

  update(row) {
    this.row = row;
    this.clock.dateTime = row.media_at;
    setText(this.clock, clockFormat.format(new Date(row.media_at)));
    this.node.classList.toggle("late", row.is_late);
    this.node.classList.toggle("withheld", row.is_withheld);
    if (row.is_late) showText(this.text, "A line came too late to be of use. It is kept in the record.", []);
    else showText(this.text, row.text ?? "The text has been erased.", Object.keys(row.redactions));
    this.mark.className = `state ${row.is_late ? "ambiguous" : ""}`;
    setText(this.mark, row.is_late ? `Late: ${(row.latency_ms / 1000).toFixed(1)} s` : row.is_withheld ? "Withheld" : "");
    const isKnown = row.confidence !== null && !row.is_late;
    this.confidence.classList.toggle("low", isKnown && row.confidence < LOW);
    setText(this.confidence, isKnown ? `${Math.round(row.confidence * 100)} %${row.confidence < LOW ? ", verify" : ""}` : "");
  }
}
