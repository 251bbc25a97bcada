// Tells how many keystrokes there were and how long ago the last was, never what was typed.
// The first is told at once, the next at most every REPORT_MS; what is left when somebody stops is
// told a little later, with its time, so that the indicator ends 3 s after the last keystroke.

const REPORT_MS = 150;
const REST_MS = 400;
const MOST = 500; // of one report: what the server takes

export class Keystrokes {
  // `send(message)` returns whether it could be sent.
  constructor(send) {
    this.send = send;
    this.count = 0;
    this.lastAt = 0;
    this.toldAt = -Infinity;
  }

  watch(field) {
    field.addEventListener("input", () => this.hear());
  }

  hear() {
    this.count += 1;
    this.lastAt = performance.now();
    if (this.lastAt - this.toldAt >= REPORT_MS) this.tell();
    else this.timer ??= setTimeout(() => this.tell(), REST_MS);
  }

  tell() {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.count) return;
    const now = performance.now();
    const n = Math.min(this.count, MOST);
    this.count = 0; // also where it cannot be sent: an indicator that comes later is not true
    if (this.send({ type: "keys", n, ms: Math.round(now - this.lastAt) })) this.toldAt = now;
  }
}
