// Reads what the page does not have: older and newer messages, and what happened to one of them.

export class Failed extends Error {}

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
    let answer;
    try {
      answer = await fetch(this.address + path, { headers: { accept: "application/json" }, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failed("the server does not answer");
    }
    if (answer.status === 404) throw new Failed("there is no such message in this conversation");
    if (!answer.ok) throw new Failed(`the server answers ${answer.status}`);
    return answer.json();
  }
}
