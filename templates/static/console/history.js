// Reads what the page does not have: older and newer messages, and what happened to one of them.

const WITHIN_MS = 15_000;

export class Failed extends Error {
  // `isFinal`: it would fail again.
  constructor(message, { isFinal = false } = {}) {
    super(message);
    this.isFinal = isFinal;
  }
}

export class History {
  constructor(address) {
    this.address = address; // of the conversation, with a slash at its end
  }

  before(seq) {
    return this.read(`messages/?before=${seq}`);
  }

  after(seq) {
    return this.read(`messages/?after=${seq}`);
  }

  around(id) {
    return this.read(`messages/?around=${id}`);
  }

  last() {
    return this.read("messages/");
  }

  timeline(id, signal) {
    return this.read(`messages/${id}/`, signal);
  }

  async read(path, signal) {
    const within = AbortSignal.timeout(WITHIN_MS);
    try {
      const answer = await fetch(this.address + path, {
        headers: { accept: "application/json" },
        signal: signal ? AbortSignal.any([signal, within]) : within,
      });
      if (answer.status === 404) throw new Failed("there is no such message in this conversation", { isFinal: true });
      if (!answer.ok) throw new Failed(`the server answers ${answer.status}`);
      return await answer.json();
    } catch (error) {
      if (error.name === "AbortError" || error instanceof Failed) throw error;
      throw new Failed("the server does not answer");
    }
  }
}
