// At the side: what happened to the selected message, step by step, and the attributes it wrote.

import { element, setText } from "./elements.js";
import { languageName, lasting, moment, preciseClock } from "./words.js";

const AGAIN_AFTER_MS = 150; // a message in flight changes several times at once
const AGAIN_AFTER_FAILURE_MS = 3000;
const KNOWN = new Set(["originalLanguage", "originalText", "translationTimestamp"]);
const TONES = {
  confirmed: "ok", attributes_written: "ok", ambiguous: "ambiguous", review: "review", failed: "failed",
  expired: "failed", translation_failed: "failed", attributes_failed: "failed", dropped: "quiet",
};

export class Timeline {
  // `onFailed(error)` where it cannot be read.
  constructor({ place, history, onFailed }) {
    Object.assign(this, { place, history, onFailed });
    this.id = null;
  }

  show(id) {
    if (id === this.id) return;
    this.id = id;
    this.key = "";
    clearTimeout(this.timer);
    if (id === null) this.asked?.abort();
    else this.timer = setTimeout(() => this.ask(), this.place.childElementCount ? AGAIN_AFTER_MS : 0);
  }

  // Its row has changed, or that of the message whose attributes it replaced.
  refresh() {
    if (this.id === null) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), AGAIN_AFTER_MS);
  }

  concerns(id) {
    return this.id !== null && (id === this.id || id === this.found?.attributes?.before?.message);
  }

  async ask() {
    const { id } = this;
    this.asked?.abort();
    this.asked = new AbortController();
    this.place.setAttribute("aria-busy", "true");
    try {
      const found = await this.history.timeline(id, this.asked.signal);
      if (id === this.id) this.fill(found);
    } catch (error) {
      if (error.name === "AbortError" || id !== this.id) return;
      this.key = ""; // whatever is read next is shown, also if it is what stood there before
      this.onFailed(error);
      clearTimeout(this.timer);
      if (!error.isFinal) this.timer = setTimeout(() => this.ask(), AGAIN_AFTER_FAILURE_MS);
    }
    this.place.removeAttribute("aria-busy");
  }

  fill(found) {
    this.found = found;
    const key = JSON.stringify([found.entries, found.attributes, found.row.sent_at]);
    if (key === this.key) return;
    this.key = key;
    const parts = [steps(found)];
    if (found.is_cut) parts.push(element("p", "muted", "Later steps are in the audit trail."));
    if (found.attributes) parts.push(attributes(found.attributes));
    this.place.replaceChildren(...parts);
  }
}

function steps({ row, entries }) {
  const list = element("ol", "steps");
  const received = entries[0];
  const sent = step({ words: row.origin === "guest" ? "Sent by the guest" : "Sent", at: row.sent_at, note: "by the platform's clock" });
  if (!row.is_reply) list.append(sent); // its first step says so
  for (const entry of entries) {
    const since = entry === received ? new Date(entry.at) - new Date(row.sent_at) : entry.after_ms;
    list.append(step({ ...entry, since, note: note(entry) }));
  }
  const end = entries.findLast(({ kind }) => kind === "confirmed");
  if (end && received?.kind === "received") {
    const total = new Date(end.at) - new Date(received.at);
    list.append(element("li", "total", `Delivered ${lasting(total)} after it was received`));
  }
  return list;
}

function step({ kind = "", words, at, since, actor, is_person: isPerson, seq, note: said }) {
  const item = element("li", `step ${TONES[kind] ?? ""}`);
  item.dataset.kind = kind;
  const head = element("p", "step-head");
  head.append(element("strong", "", capital(words)));
  if (since !== null && since !== undefined) head.append(element("span", "since", `+${lasting(Math.max(0, since))}`));
  const time = element("time", "", preciseClock(at));
  time.dateTime = at;
  time.title = moment(at);
  const foot = element("p", "muted step-foot");
  foot.append(time);
  if (actor) {
    const who = element("bdi", isPerson ? "person" : "", actor);
    foot.append(" · ", who);
  }
  if (seq) foot.append(" · ", element("span", "", `entry ${seq}`));
  item.append(head, foot);
  if (said) {
    const line = element("p", "step-note", said);
    line.dir = "auto";
    item.append(line);
  }
  return item;
}

// The journal's facts in words; it holds no text of a message.
function note({ kind, facts }) {
  const said = [];
  if (facts.provider) said.push(facts.from_memory ? `${facts.provider}, from memory` : `${facts.provider}, ${lasting(facts.latency_ms)}`);
  if (facts.source_language) said.push(`${languageName(facts.source_language)} → ${languageName(facts.target_language)}`);
  if (facts.attempt > 1) said.push(`attempt ${facts.attempt}`);
  if (kind === "confirmed" && facts.by) said.push(facts.by === "answer" ? "by the platform's answer" : `by ${facts.by}`);
  if (kind === "read" && facts.by) said.push(`by the ${facts.by}`);
  if (facts.reason) said.push(facts.reason);
  if (facts.status && kind.startsWith("attributes")) said.push(`HTTP ${facts.status}`);
  if (facts.dead_letter) said.push(`dead letter ${facts.dead_letter}`);
  if (facts.backfilled) said.push("read from the history after a gap");
  return said.join(" · ");
}

function attributes(written) {
  const section = element("section", "written");
  const heading = element("h3", "", "Attributes");
  const state = element("span", `state ${written.state === "written" ? "ok" : written.state === "failed" ? "failed" : "waiting"}`, written.state);
  heading.append(" ", state);
  section.append(heading);
  if (!written.after) {
    section.append(element("p", "muted", "Nothing is written yet."));
    return section;
  }
  const table = element("table", "comparison");
  const head = element("tr");
  for (const words of ["", "Before", written.state === "failed" ? "Refused" : "After"]) {
    const cell = element(words ? "th" : "td", "", words);
    if (words) cell.scope = "col";
    head.append(cell);
  }
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  for (const name of written.keys.filter((key) => KNOWN.has(key))) {
    const line = element("tr");
    const label = element("th");
    label.append(...name.split(/(?=[A-Z])/).flatMap((part) => [element("wbr"), part]));
    label.scope = "row";
    line.append(label, value(written.before, name), value(written.after, name));
    if (written.before?.[name] !== written.after[name]) line.className = "changed";
    body.append(line);
  }
  table.append(top, body);
  const rest = written.before ? "Before: our last confirmed write in this conversation." : "Nothing of ours stood there before.";
  section.append(table, element("p", "muted", rest));
  return section;
}

function value(side, name) {
  const cell = element("td");
  const text = side ? side[name] : undefined;
  if (text === undefined) cell.append(element("span", "muted", "–"));
  else if (text === null) cell.append(element("em", "muted", "erased"));
  else {
    const said = element("bdi", "", text);
    if (name === "originalText") said.lang = side.originalLanguage;
    cell.append(said);
  }
  return cell;
}

const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

export function copied(button, text, words = "Copied") {
  const before = button.textContent;
  const say = (said) => {
    setText(button, said);
    setTimeout(() => setText(button, before), 1500);
  };
  // Without a secure origin there is no clipboard: the address is in the address bar all the same.
  if (!navigator.clipboard) return say("See the address bar");
  return navigator.clipboard.writeText(text).then(() => say(words), () => say("Not allowed"));
}
