// One conversation on the wall: a row of the table, or a card. Updated in place, never rebuilt.

import { element, setSpoken, setText } from "./elements.js";
import { duration, languageName, languagePair, lasting, moment, STATUS_WORDS } from "./words.js";

const SLOW_MS = 5000; // a guest who waits longer for the agent to read them is worth a colour

export class Line {
  constructor(card, address) {
    this.node = element("tr");
    this.node.setAttribute("role", "row");
    const guest = this.cell("Guest", "th");
    guest.scope = "row";
    guest.setAttribute("role", "rowheader");
    this.link = element("a", "open");
    this.link.dir = "auto";
    this.link.href = address;
    guest.append(this.link);
    this.agent = element("bdi");
    this.agentCell = this.cell("Agent");
    this.agentCell.append(this.agent);
    this.languages = element("span", "badge");
    this.cell("Languages").append(this.languages);
    const words = this.cell("Last words", "td", "words");
    this.words = element("span");
    this.words.dir = "auto";
    words.append(this.words);
    this.state = element("span", "state");
    this.cell("State").append(this.state);
    this.messages = this.number("Messages");
    this.rate = this.number("A minute");
    this.latency = this.number("Worst latency");
    this.duration = this.number("Duration");
    this.node.addEventListener("click", (event) => {
      if (!event.target.closest("a") && !getSelection().toString()) this.link.click();
    });
    this.update(card);
  }

  cell(label, tag = "td", className = "") {
    const made = element(tag, className);
    made.setAttribute("role", "cell");
    made.dataset.label = label;
    this.node.append(made);
    return made;
  }

  number(label) {
    const made = element("span");
    this.cell(label, "td", "number").append(made);
    return made;
  }

  update(card) {
    this.card = card;
    this.isEnded = card.state === "closed";
    this.status = this.isEnded && card.status === "ok" ? "closed" : card.status;
    setText(this.link, card.guest || "Guest");
    this.link.title = card.guest;
    setText(this.agent, card.agent || "no agent yet");
    this.agent.title = card.agent;
    this.agentCell.classList.toggle("nobody", !card.agent);
    setText(this.languages, languagePair(card.guest_language, card.agent_language));
    this.languages.title = card.guest_language ? `${languageName(card.guest_language)} to ${languageName(card.agent_language)}` : "";
    setSpoken(this.words, card.last ?? { text: "", language: "" });
    this.words.title = card.last?.text ?? "";
    this.words.className = card.last?.origin ?? "";
    this.state.className = `state ${this.status}`;
    const count = card.counts[this.status] ?? 0;
    const words = STATUS_WORDS[this.status] ?? this.status;
    setText(this.state, count > 1 ? `${words} ${count}` : words);
    setText(this.messages, String(card.counts.messages));
    this.node.classList.toggle("ended", this.isEnded);
    this.tick();
  }

  tick() {
    const { started_at: from, closed_at: to } = this.card;
    setText(this.duration, duration(from, to));
    this.duration.title = `since ${moment(from)}${to ? `, ended ${moment(to)}` : ""}`;
    setText(this.rate, this.perMinute().toFixed(1));
    const worst = this.worstMs();
    const waits = this.waitsMs();
    setText(this.latency, worst === null ? "–" : lasting(worst));
    this.latency.className = worst > SLOW_MS ? "slow" : "";
    this.latency.title = waits > 0 && waits >= (this.card.worst_ms ?? 0) ? "still waiting" : "from receipt to delivery";
  }

  perMinute() {
    return this.card.counts.messages / Math.max(1, this.lastedMs() / 60000);
  }

  lastedMs() {
    const { started_at: from, closed_at: to } = this.card;
    return (to ? new Date(to) : new Date()) - new Date(from);
  }

  waitsMs() {
    const { waiting_since: since } = this.card;
    return since && !this.isEnded ? Math.max(0, Date.now() - new Date(since)) : 0;
  }

  // What was delivered, and what is not delivered yet, which may already wait for longer.
  worstMs() {
    const { worst_ms: worst, waiting_since: since } = this.card;
    if (worst === null && !since) return null;
    return Math.max(worst ?? 0, this.waitsMs());
  }
}
