// One message: the reader's language large, the other below, its state in words. Updated in place.

import { element, setSpoken, setText } from "./elements.js";
import { clock, languageName, languagePair, mayBeWrittenAgain, messageState, moment, needsSomebody, replyTrouble } from "./words.js";

const SPEAKERS = { guest: "Guest", agent: "Agent", system: "System" };

export class Bubble {
  // `context`: showsBoth() → whether the other language is unfolded; operations: address or "".
  constructor(row, context) {
    this.context = context;
    this.seq = row.seq;
    this.node = element("article", `bubble ${row.origin}`);
    this.node.id = `m${row.id}`;
    this.node.tabIndex = -1;
    this.node.dataset.id = row.id;
    this.node.dataset.seq = row.seq;
    this.buildHead(row);
    this.main = element("p", "said");
    this.main.dir = "auto";
    this.node.append(this.head, this.main);
    if (row.origin !== "system") this.buildFoot();
    this.update(row);
  }

  buildHead(row) {
    this.head = element("header", "bubble-head");
    this.head.id = `m${row.id}-head`;
    this.node.setAttribute("aria-labelledby", this.head.id);
    this.sender = element("bdi", "sender");
    this.time = element("time", "clock");
    this.head.append(this.sender, this.time);
    if (row.backfilled) this.head.append(element("span", "badge quiet", "from history"));
  }

  buildFoot() {
    this.foot = element("footer", "bubble-foot");
    const anchor = element("span", "anchor");
    this.pair = element("button", "badge pair");
    this.pair.type = "button";
    this.provider = element("span", "provider");
    this.state = element("span", "state");
    this.read = element("span", "read");
    anchor.append(this.pair);
    this.foot.append(anchor, this.provider, this.state, this.read);
    this.node.append(this.foot);
  }

  update(row) {
    this.row = row;
    setText(this.sender, row.sender_name || SPEAKERS[row.origin] || row.origin);
    setText(this.time, clock(row.sent_at));
    this.time.dateTime = row.sent_at;
    this.time.title = moment(row.sent_at);
    this.updateTexts(row);
    this.updateAttachments(row.attachments ?? []);
    if (this.foot) this.updateFoot(row);
  }

  // The reader's language is the agents': what a guest wrote is large once it is translated.
  updateTexts(row) {
    const { main, other, isForReader } = sides(row);
    this.main.classList.toggle("absent", !main);
    setSpoken(this.main, main ?? { text: row.has_text ? "Text erased" : "No text", language: "en" });
    if (!other) {
      this.other?.remove();
      this.other = null;
      return;
    }
    if (!this.other) this.buildOther();
    const label = isForReader ? "Original" : forGuest(row, other);
    setText(this.otherLabel, `${label} · ${languageName(other.language)}`);
    setSpoken(this.otherText, other);
  }

  buildOther() {
    this.other = element("details", "other");
    this.other.open = this.context.showsBoth();
    this.otherLabel = element("summary");
    this.otherText = element("p");
    this.otherText.dir = "auto";
    this.other.append(this.otherLabel, this.otherText);
    this.main.after(this.other);
  }

  updateAttachments(attachments) {
    const key = JSON.stringify(attachments);
    if (key === (this.attachmentsKey ?? "[]")) return;
    this.attachmentsKey = key;
    this.attachments?.remove();
    this.attachments = element("ul", "attachments");
    for (const each of attachments) this.attachments.append(attachment(each));
    (this.other ?? this.main).after(this.attachments);
  }

  updateFoot(row) {
    const from = row.source_language || row.original?.language;
    const to = row.translated && (row.target_language || row.translated.language);
    setText(this.pair, languagePair(from, to) || "details");
    const pair = to ? `${languageName(from)} to ${languageName(to)}` : languageName(from);
    this.pair.setAttribute("aria-label", `${from ? pair : "Details"}: details`);
    setText(this.provider, row.provider ? (row.from_memory ? `${row.provider} · memory` : row.provider) : "");
    const [kind, words, hint] = messageState(row);
    this.state.className = `state ${kind}`;
    this.state.title = hint;
    setText(this.state, words);
    setText(this.read, row.read_at ? `✓✓ Read ${clock(row.read_at)}` : "");
    this.updateDecision(row);
    this.updateNote(row);
  }

  // An agent's own words that did not arrive: what became of them, and what to do.
  updateNote(row) {
    const words = row.is_reply ? replyTrouble(row) : "";
    if (!words && !this.note) return;
    if (!this.note) {
      this.note = element("p", "reply-trouble");
      this.noteWords = element("span");
      this.note.append(this.noteWords);
      this.again = this.context.writeAgain ? this.againButton() : null;
      if (this.again) this.note.append(this.again);
      this.foot.after(this.note);
    }
    this.note.hidden = !words;
    setText(this.noteWords, words);
    if (this.again) this.again.hidden = !mayBeWrittenAgain(row);
  }

  againButton() {
    const button = element("button", "button quiet", "Write it again");
    button.type = "button";
    button.addEventListener("click", () => this.context.writeAgain(this.row.original?.text ?? ""));
    return button;
  }

  updateDecision(row) {
    const wanted = Boolean(this.context.operations) && needsSomebody(row);
    if (wanted === Boolean(this.decision)) return;
    if (!wanted) {
      this.decision.remove();
      this.decision = null;
      return;
    }
    const [kind] = messageState(row);
    this.decision = element("a", "decision", kind === "review" ? "Decide ›" : "Retry ›");
    this.decision.href = `${this.context.operations}#${kind === "review" ? "review" : "dead-letters"}`;
    this.state.after(this.decision);
  }
}

function forGuest(row, { edited }) {
  const verb = row.delivery && row.delivery.state !== "confirmed" ? "To the guest" : "Sent to the guest";
  return edited ? `${verb}, edited, as` : `${verb} as`;
}

// `main` is in the language of whoever reads; what is announced as well.
export function sides(row) {
  const isForReader = row.origin === "guest" && Boolean(row.translated);
  return {
    main: isForReader ? row.translated : row.original,
    other: isForReader ? row.original : row.translated,
    isForReader,
  };
}

// The guest's side chose the address: only one of the web is a link, and it is told nothing of us.
function attachment({ name, content_type: type, size, url }) {
  const item = element("li");
  const isLink = /^https?:\/\//.test(url ?? "");
  const label = element(isLink ? "a" : "span", "", name || "Attachment");
  label.dir = "auto";
  if (isLink) {
    label.href = url;
    label.target = "_blank";
    label.rel = "noopener noreferrer nofollow";
    label.referrerPolicy = "no-referrer";
  }
  const facts = [type, sizeOf(size)].filter(Boolean).join(", ");
  item.append(label, element("span", "muted", facts && ` ${facts}`));
  return item;
}

function sizeOf(bytes) {
  if (!Number.isFinite(bytes)) return "";
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
