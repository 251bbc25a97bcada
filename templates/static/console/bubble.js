// One message: agents' language large, the other below, states in words. Updated in place.

import { element, setSpoken, setText } from "./elements.js";
import { clock, languageName, languagePair, messageState, moment } from "./words.js";

const SPEAKERS = { guest: "Guest", agent: "Agent", system: "System" };
let counter = 0;

export class Bubble {
  constructor(row) {
    counter += 1;
    this.seq = row.seq;
    this.node = element("article", `bubble ${row.origin}`);
    this.node.dataset.seq = row.seq;
    this.buildHead(row);
    this.main = element("p", "said");
    this.main.dir = "auto";
    this.buildOther();
    this.buildFoot();
    this.node.append(this.head, this.main, this.other, this.foot);
    this.update(row);
  }

  buildHead(row) {
    this.head = element("header", "bubble-head");
    this.sender = element("bdi", "sender");
    this.time = element("time", "clock");
    this.head.append(this.sender, this.time);
    this.late = element("span", "badge quiet", "from history");
    this.late.hidden = !row.backfilled;
    this.head.append(this.late);
  }

  buildOther() {
    this.other = element("details", "other");
    this.otherLabel = element("summary");
    this.otherText = element("p");
    this.otherText.dir = "auto";
    this.other.append(this.otherLabel, this.otherText);
  }

  buildFoot() {
    this.foot = element("footer", "bubble-foot");
    this.more = element("button", "badge pair");
    this.more.type = "button";
    this.more.setAttribute("aria-describedby", `details-${counter}`);
    this.provider = element("span", "provider");
    this.state = element("span", "state");
    this.read = element("span", "read");
    this.popover = element("dl", "popover");
    this.popover.id = `details-${counter}`;
    this.popover.setAttribute("role", "tooltip");
    const anchor = element("span", "anchor");
    anchor.append(this.more, this.popover);
    anchor.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.more.blur();
    });
    this.foot.append(anchor, this.provider, this.state, this.read);
  }

  update(row) {
    this.row = row;
    setText(this.sender, row.sender_name || SPEAKERS[row.origin] || row.origin);
    setText(this.time, clock(row.sent_at));
    this.time.dateTime = row.sent_at;
    this.time.title = moment(row.sent_at);
    this.updateTexts(row);
    this.updateFoot(row);
    fill(this.popover, details(row));
  }

  // The reader's language is the agents': what a guest wrote is large once it is translated.
  updateTexts(row) {
    const isForReader = row.origin === "guest" && row.translated;
    const main = isForReader ? row.translated : row.original;
    const other = isForReader ? row.original : row.translated;
    this.main.classList.toggle("absent", !main);
    setSpoken(this.main, main ?? { text: row.has_text ? "Text erased" : "No text", language: "en" });
    this.other.hidden = !other;
    if (!other) {
      // An erased text does not stay in the page, hidden.
      this.otherLabel.replaceChildren();
      this.otherText.replaceChildren();
      this.otherText.removeAttribute("lang");
      return;
    }
    const label = isForReader ? "Original" : "Sent to the guest as";
    setText(this.otherLabel, `${label} · ${languageName(other.language)}`);
    setSpoken(this.otherText, other);
  }

  updateFoot(row) {
    const from = row.source_language || row.original?.language;
    setText(this.more, languagePair(from, row.translated && (row.target_language || row.translated.language)) || "details");
    setText(this.provider, row.provider ? (row.from_memory ? `${row.provider} · memory` : row.provider) : "");
    const [kind, words] = messageState(row);
    this.state.className = `state ${kind}`;
    setText(this.state, words);
    setText(this.read, row.read_at ? `✓✓ Read ${clock(row.read_at)}` : "");
  }
}

function details(row) {
  const facts = [];
  const from = row.source_language || row.original?.language;
  if (from) facts.push(["Detected", languageName(from)]);
  if (row.translated) facts.push(["Translated to", languageName(row.translated.language)]);
  if (row.provider) facts.push(["Provider", row.provider]);
  if (row.latency_ms !== null && row.latency_ms !== undefined) {
    facts.push(["Latency", row.from_memory ? "from memory" : `${Math.round(row.latency_ms)} ms`]);
  }
  if (row.translation_reason) facts.push(["Translation", row.translation_reason]);
  if (row.delivery) facts.push(...deliveryFacts(row.delivery));
  if (row.attributes) {
    const written = row.attributes.written_at ? ` at ${clock(row.attributes.written_at)}` : "";
    facts.push(["Attributes", `${row.attributes.state}${written}`]);
    if (row.attributes.keys.length) facts.push(["Keys", row.attributes.keys.join(", ")]);
  }
  facts.push(["Sent", moment(row.sent_at)], ["Received", moment(row.received_at)]);
  return facts;
}

function deliveryFacts(delivery) {
  const facts = [["Delivery", delivery.state]];
  if (delivery.reason) facts.push(["Reason", delivery.reason]);
  if (delivery.attempts > 1) facts.push(["Attempts", String(delivery.attempts)]);
  if (delivery.confirmed_at) {
    const by = delivery.confirmed_by ? ` by ${delivery.confirmed_by}` : "";
    facts.push(["Confirmed", `${clock(delivery.confirmed_at)}${by}`]);
  }
  return facts;
}

function fill(list, facts) {
  const key = JSON.stringify(facts);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(
    ...facts.flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)]),
  );
}
