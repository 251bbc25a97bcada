// The page's socket (docs/simulator.md): comes back by itself, and says when it is away.

const FINAL = new Map([
  [4401, "logged out"],
  [4403, "not allowed"],
  [4404, "the simulator is switched off"],
]);

export class Socket {
  // `onFrame(frame)`, `onOpen()`, `onAway(reason, isFinal)`.
  constructor({ path, onFrame, onOpen, onAway }) {
    Object.assign(this, { path, onFrame, onOpen, onAway, tries: 0 });
    addEventListener("online", () => this.socket.readyState === WebSocket.CLOSED && !this.isOver && this.open());
    this.open();
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  open() {
    clearTimeout(this.timer);
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = this.socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    let parts = ""; // of a frame that is larger than a message of the socket
    socket.onmessage = (message) => {
      this.tries = 0;
      const frame = JSON.parse(message.data);
      if (frame.type !== "part") return this.onFrame(frame);
      parts += frame.text;
      if (!frame.last) return;
      this.onFrame(JSON.parse(parts));
      parts = "";
    };
    socket.onopen = () => this.onOpen();
    socket.onclose = (event) => this.closed(socket, event.code);
  }

  closed(socket, code) {
    if (socket !== this.socket) return;
    const reason = FINAL.get(code);
    this.isOver = Boolean(reason);
    this.onAway(reason ?? "reconnecting to the console", this.isOver);
    if (code === 4401) location.assign(`/login/?next=${encodeURIComponent(location.pathname)}`);
    if (this.isOver) return;
    const wait = 300 + Math.random() * Math.min(15000, 700 * 2 ** this.tries);
    this.tries += 1;
    this.timer = setTimeout(() => this.open(), wait);
  }

  send(action) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(action));
    return true;
  }
}
