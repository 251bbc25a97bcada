// What was said, once, in its order; each side shows its own view of it.
//
// A message of the guest is `guest` (they wrote it) or `posted` (somebody posted it in their name:
// that is how a translation reaches the agent). Which one it is the console's rows tell; until
// then it is `unknown` and shown nowhere.

const DECIDE_MS = 4000;
const MAX_ITEMS = 1000;

export class Timeline {
  constructor({ onChange }) {
    this.onChange = onChange;
    this.clear();
  }

  clear() {
    this.items?.forEach((item) => this.forget(item));
    this.items = [];
    this.byKey = new Map();
    this.byRef = new Map();
    this.rows = new Map(); // the console's rows by the platform's id
    this.postings = new Map(); // id of a posted translation → row
    this.counts = { stored: 0, translated: 0, delivered: 0 };
  }

  // The guest has pressed "send"; it has no place of its own before the platform shows it.
  write(ref, text, files = []) {
    const item = { ref, key: null, kind: "guest", text, files, state: "queued", missing: 0 };
    this.byRef.set(ref, item);
    this.items.push(item);
    this.tell(item);
    return item;
  }

  progressed({ ref, state, reason }) {
    const item = this.byRef.get(ref);
    if (!item) return;
    item.state = state;
    item.reason = reason;
    this.tell(item);
  }

  shown(frame) {
    if (this.byKey.has(frame.key)) return;
    const item = this.waitingFor(frame) ?? { files: [], state: "confirmed", text: frame.text };
    const at = this.items.indexOf(item);
    if (at >= 0) this.items.splice(at, 1);
    Object.assign(item, {
      key: frame.key, id: frame.id, sentAt: frame.sentAt, files: withPreviews(frame.attachments, item.files),
      sender: frame.senderName, state: "confirmed", missing: frame.missing, number: frame.sequenceId,
    });
    item.kind = frame.sender === "guest" ? item.kind ?? (frame.own ? "guest" : "unknown") : frame.sender;
    item.since = performance.now();
    this.byKey.set(frame.key, item);
    this.place(item, frame);
    this.decide();
    this.tell(item);
    if (this.items.length > MAX_ITEMS) this.dropOldest();
  }

  // The one that we wrote: by its own name, or after a reload by its text.
  waitingFor(frame) {
    if (frame.sender !== "guest") return undefined;
    if (frame.ref) return this.byRef.get(frame.ref);
    return this.items.find((item) => !item.key && item.state !== "queued" && item.text === frame.text
      && item.files.length === frame.attachments.length);
  }

  place(item, frame) {
    const next = frame.before ? this.byKey.get(frame.before) : undefined;
    if (next) {
      next.missing = frame.gapAfter;
      item.isLate = true;
      this.items.splice(this.items.indexOf(next), 0, item);
      this.tell(next);
      return;
    }
    let at = this.items.length; // what has not been seen yet stays below what has
    while (at > 0 && !this.items[at - 1].key) at -= 1;
    this.items.splice(at, 0, item);
  }

  progress({ rows, counts }) {
    this.counts = counts;
    for (const row of rows) {
      if (row.external_id) this.rows.set(row.external_id, row);
      if (row.delivered_id) this.postings.set(row.delivered_id, row);
    }
    this.decide();
    this.items.filter((item) => item.kind === "guest").forEach((item) => this.tell(item));
  }

  // What a guest's message is, and which translation belongs to which original.
  decide() {
    for (const item of this.items) {
      if (item.kind === "guest" && item.key) item.row ??= this.rowOf(item);
      if (item.kind === "guest" && item.row) item.row = this.rows.get(item.row.external_id) ?? item.row;
      if (item.kind !== "unknown") continue;
      const posting = this.postings.get(item.id) ?? this.translationOf(item.text);
      if (this.rows.has(item.id)) item.kind = "guest";
      else if (posting) this.post(item, posting);
      else if (performance.now() - item.since > DECIDE_MS) item.kind = "guest";
      if (item.kind !== "unknown") this.tell(item);
    }
  }

  rowOf(item) {
    return this.rows.get(item.id);
  }

  translationOf(text) {
    const posted = new Set(this.items.filter((item) => item.kind === "posted").map((item) => item.row));
    return [...this.rows.values()].find((row) => row.translated?.text === text && !posted.has(row)
      && !this.items.some((item) => item.posted && item.row?.external_id === row.external_id));
  }

  post(item, row) {
    item.kind = "posted";
    item.row = row;
    const original = this.items.find((one) => one.kind === "guest" && one.id === row.external_id);
    if (!original) {
      item.kind = "unknown"; // its original comes first
      return;
    }
    original.posted = item.text;
    this.tell(original);
  }

  get sent() {
    return this.items.filter((item) => item.kind === "guest" && ["sent", "confirmed", "unconfirmed"].includes(item.state)).length + (this.dropped ?? 0);
  }

  get shownToAgent() {
    return this.items.filter((item) => item.kind === "guest" && isFinal(item)).length + (this.dropped ?? 0);
  }

  dropOldest() {
    const item = this.items.shift();
    if (item.kind === "guest") this.dropped = (this.dropped ?? 0) + 1;
    if (item.key) this.byKey.delete(item.key);
    if (item.ref) this.byRef.delete(item.ref);
    this.forget(item);
  }

  forget(item) {
    item.guestNode?.remove();
    item.agentNode?.remove();
  }

  tell(item) {
    this.onChange(item);
  }
}

// The picture that was chosen here is shown at once; nothing is fetched from the platform for it.
const withPreviews = (files, known) => files.map((file, at) => ({ ...file, preview: known[at]?.preview }));

// The agent has what they get of it: the translation, or the message as it is.
export function isFinal(item) {
  if (item.posted !== undefined) return true;
  const state = item.row?.translation_state;
  return state === "passed_through" || state === "";
}
