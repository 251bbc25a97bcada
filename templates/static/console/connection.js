// The page's socket: reconnects, acknowledges what it received, and says when it is not live.
// Protocol: docs/live-socket.md. Knows nothing of what the frames mean.

import { Sequence } from "./sequence.js";

const NOT_LIVE_AFTER_MS = 7000; // heartbeats come every 4 s; promised are 10 s with all that delays it
const ACK_EVERY_MESSAGES = 32;
const ACK_EVERY_CHARACTERS = 128 * 1024; // a large snapshot comes as fast as it is acknowledged
const ACK_EVERY_MS = 1000;
const BUSY = 4513; // too many at once: come back a little later than after other closes
const FINAL = new Map([
  [4401, "logged out"],
  [4403, "no longer allowed"],
  [4404, "no such conversation"],
]);

export class Connection {
  // `path()` gives the address at each try; `onFrame(frame)` returns true once the page is whole.
  // `cursor()`, where the page has one, is the seq up to which it has everything.
  constructor({ path, onFrame, onState, cursor = null }) {
    this.path = path;
    this.onState = onState;
    this.sequence = new Sequence({
      cursor,
      onFrame,
      ask: (after) => this.send({ type: "gap", after }),
    });
    this.tries = 0;
    this.lastFrameAt = performance.now();
    this.isWhole = false;
    setInterval(() => this.watch(), 1000);
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.watch();
    });
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path()}`);
    this.socket = socket;
    this.isWhole = false;
    this.sequence.begin();
    this.received = this.acknowledged = this.unacknowledged = 0;
    this.acknowledgedAt = performance.now();
    socket.onopen = () => {
      this.lastFrameAt = performance.now();
      this.say("catching up");
    };
    socket.onmessage = (message) => this.receive(socket, message);
    socket.onclose = (event) => this.closed(socket, event.code);
  }

  receive(socket, message) {
    if (socket !== this.socket) return;
    this.received += 1;
    this.unacknowledged += message.data.length;
    this.lastFrameAt = performance.now();
    const verdict = this.sequence.take(JSON.parse(message.data));
    if (verdict === true || verdict === false) this.isWhole = verdict;
    this.tries = 0;
    this.acknowledge();
    this.say(this.isWhole ? "live" : "catching up");
  }

  acknowledge() {
    const now = performance.now();
    const waiting = this.received - this.acknowledged;
    const due = waiting >= ACK_EVERY_MESSAGES || this.unacknowledged >= ACK_EVERY_CHARACTERS
      || now - this.acknowledgedAt >= ACK_EVERY_MS;
    if (waiting === 0 || !due) return;
    this.acknowledged = this.received;
    this.unacknowledged = 0;
    this.acknowledgedAt = now;
    this.send({ type: "ack", n: this.received });
  }

  // What may be lost: only once the page is whole, as nothing may be said before. True if it went.
  tell(said) {
    if (!this.isWhole || this.socket.readyState !== WebSocket.OPEN) return false;
    this.send(said);
    return true;
  }

  send(said) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(said));
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    const reason = FINAL.get(code);
    if (reason) {
      this.isOver = true;
      this.say("not live", reason);
      if (code === 4401) location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    // Full jitter: browsers that lose one server together must not come back together.
    if (code === BUSY) this.tries = Math.max(this.tries, 3);
    const wait = 500 + Math.random() * Math.min(30000, 1000 * 2 ** this.tries);
    this.tries += 1;
    if (performance.now() - this.lastFrameAt > NOT_LIVE_AFTER_MS) this.say("not live", "reconnecting");
    else this.say("catching up");
    this.timer = setTimeout(() => this.open(), wait);
  }

  // The timer that decides "live" is ours and not the server's: silence is the signal.
  watch() {
    if (this.isOver) return;
    const silent = performance.now() - this.lastFrameAt;
    if (silent <= NOT_LIVE_AFTER_MS) {
      if (this.socket.readyState === WebSocket.OPEN) this.acknowledge();
      return;
    }
    this.say("not live", this.socket.readyState === WebSocket.OPEN ? "no sign of life" : "reconnecting");
    if (silent > 3 * NOT_LIVE_AFTER_MS && this.socket.readyState === WebSocket.OPEN) {
      // Half open: nobody will ever close it for us.
      const stale = this.socket;
      this.closed(stale, 1006);
      stale.onclose = null;
      stale.close();
      this.lastFrameAt = performance.now() - NOT_LIVE_AFTER_MS - 1;
    }
  }

  retryNow() {
    if (!this.isOver && this.socket.readyState === WebSocket.CLOSED) this.open();
  }

  say(state, reason = "") {
    const key = state + reason;
    if (key === this.said) return;
    this.said = key;
    this.onState(state, reason);
  }
}

export function showConnection(state, reason) {
  const mark = document.getElementById("connection");
  mark.dataset.state = state.replace(" ", "-");
  document.getElementById("connection-text").textContent = reason ? `${state}: ${reason}` : state;
}
