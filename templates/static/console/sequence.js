// The order of what a page is handed: puts a snapshot of several parts together, and asks for what
// is missing. Protocol: docs/live-socket.md. No socket, no document: time and asking are passed in.

const ASK_EVERY_MS = 2000; // an answer may take a while, and may itself be lost

export class Sequence {
  // `cursor()` is the seq up to which the page has everything, null at its start; `onFrame(frame)`
  // applies a frame; `ask(after)` has the server send what came after a seq.
  constructor({ cursor, onFrame, ask, now = () => performance.now() }) {
    this.cursor = cursor ?? (() => null);
    this.onFrame = onFrame;
    this.ask = ask;
    this.now = now;
    this.begin();
  }

  // A new socket, or the server starts afresh.
  begin() {
    this.text = "";
    this.snapshot = null;
    this.missing = 0;
    this.askedAt = -Infinity;
  }

  // A message of the socket: a frame, several, or a piece of a large one. What the page says to it:
  // true once it is whole, false when it is not, else undefined.
  take(said) {
    if (Array.isArray(said)) return said.map((frame) => this.take(frame)).findLast((verdict) => verdict !== undefined);
    if (said.type === "part") return this.piece(said);
    return this.frame(said);
  }

  piece({ text, last }) {
    this.text += text;
    if (!last) return undefined;
    const whole = this.text;
    this.text = "";
    return this.take(JSON.parse(whole));
  }

  frame(frame) {
    if (frame.type === "resync") {
      this.begin();
      return false;
    }
    if (frame.type === "snapshot") return this.started(frame);
    if (frame.type === "rows") return this.continued(frame);
    if (this.snapshot) return undefined; // an event before the end of its snapshot: cannot be
    if (!this.lacks(frame)) return this.onFrame(frame);
    this.demand();
    if (frame.type === "heartbeat") this.onFrame(frame);
    return false;
  }

  // An event says which seq came before it, a heartbeat how far the server has read.
  lacks(frame) {
    const cursor = this.cursor();
    if (cursor === null) return false;
    if (frame.after !== undefined) return frame.after > cursor;
    return frame.type === "heartbeat" && frame.seq > cursor;
  }

  demand() {
    if (this.now() - this.askedAt < ASK_EVERY_MS) return;
    this.askedAt = this.now();
    this.ask(this.cursor());
  }

  started(frame) {
    this.missing = (frame.parts ?? 1) - 1;
    this.snapshot = frame;
    return this.whole();
  }

  continued(frame) {
    if (!this.snapshot) return undefined; // the rest of one that was given up
    this.snapshot.rows.push(...frame.rows);
    this.missing -= 1;
    return this.whole();
  }

  whole() {
    if (this.missing > 0) return false;
    const frame = this.snapshot;
    this.begin();
    return this.onFrame(frame);
  }
}
