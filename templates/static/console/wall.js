// The live wall: a row for each conversation; updates come twice a second at most.

import { Connection, showConnection } from "./connection.js";
import { element, setSpoken, setText } from "./elements.js";
import { duration, languagePair, STATUS_WORDS, zoneName } from "./words.js";

const $ = (id) => document.getElementById(id);
const body = $("wall-rows");
const form = $("filters");
const lines = new Map(); // conversation id → Line
let isLoaded = false;

class Line {
  constructor(card) {
    this.node = element("tr");
    this.guest = this.cell("Guest", "th");
    this.guest.scope = "row";
    this.link = element("a", "open");
    this.link.dir = "auto";
    this.link.href = body.dataset.address.replace("ID", encodeURIComponent(card.id));
    this.guest.append(this.link);
    this.agent = this.cell("Agent");
    this.agent.dir = "auto";
    const languages = this.cell("Languages");
    this.languages = element("span", "badge");
    languages.append(this.languages);
    const words = this.cell("Last words");
    words.className = "words";
    this.words = element("span");
    this.words.dir = "auto";
    words.append(this.words);
    const state = this.cell("State");
    this.state = element("span", "state");
    state.append(this.state);
    this.messages = this.cell("Messages", "td", "number");
    this.rate = this.cell("A minute", "td", "number");
    this.duration = this.cell("Duration", "td", "number");
    this.node.addEventListener("click", (event) => {
      if (!event.target.closest("a") && !getSelection().toString()) this.link.click();
    });
    this.update(card);
  }

  cell(label, tag = "td", className = "") {
    const made = element(tag, className);
    made.dataset.label = label;
    this.node.append(made);
    return made;
  }

  update(card) {
    this.card = card;
    this.status = card.state === "closed" && card.status === "ok" ? "closed" : card.status;
    setText(this.link, card.guest || "Guest");
    setText(this.agent, card.agent || "no agent yet");
    setText(this.languages, languagePair(card.guest_language, card.agent_language));
    setSpoken(this.words, card.last ?? { text: "", language: "" });
    this.words.className = card.last?.origin ?? "";
    this.state.className = `state ${this.status}`;
    setText(this.state, STATUS_WORDS[this.status] ?? this.status);
    setText(this.messages, String(card.counts.messages));
    this.node.classList.toggle("ended", card.state === "closed");
    this.tick();
  }

  tick() {
    const { started_at: from, closed_at: to, counts } = this.card;
    setText(this.duration, duration(from, to));
    const minutes = Math.max(1, ((to ? new Date(to) : new Date()) - new Date(from)) / 60000);
    setText(this.rate, (counts.messages / minutes).toFixed(1));
  }

  matches({ q, state }) {
    if (state && state !== this.status && !(state === "closed" && this.card.state === "closed")) return false;
    const text = `${this.card.guest} ${this.card.agent} ${this.card.last?.text ?? ""}`.toLowerCase();
    return text.includes(q);
  }
}

const handlers = {
  snapshot(frame) {
    isLoaded = true;
    const shown = new Set(frame.conversations.map((card) => card.id));
    for (const id of [...lines.keys()]) if (!shown.has(id)) remove(id);
    frame.conversations.forEach(apply);
    arrange();
    return true;
  },
  cards(frame) {
    frame.gone.forEach(remove);
    frame.cards.forEach(apply);
    arrange();
    return undefined;
  },
  heartbeat: () => undefined,
};

function apply(card) {
  const known = lines.get(card.id);
  if (known) known.update(card);
  else lines.set(card.id, new Line(card));
}

function remove(id) {
  lines.get(id)?.node.remove();
  lines.delete(id);
}

// The newest first, the ended last. A row moves only when it must: the focus stays where it is.
function arrange() {
  const rank = (line) => `${line.card.state === "open" ? 1 : 0}${line.card.started_at}`;
  const sorted = [...lines.values()].sort((a, b) => (rank(a) < rank(b) ? 1 : -1));
  sorted.forEach((line, index) => {
    const there = body.children[index];
    if (there !== line.node) body.insertBefore(line.node, there ?? null);
  });
  filter();
}

function filter() {
  const wanted = { q: form.q.value.trim().toLowerCase(), state: form.state.value };
  let shown = 0;
  for (const line of lines.values()) {
    line.node.hidden = !line.matches(wanted);
    if (!line.node.hidden) shown += 1;
  }
  const all = `${lines.size} conversation${lines.size === 1 ? "" : "s"}`;
  setText($("wall-count"), shown === lines.size ? all : `${shown} of ${all}`);
  $("wall").hidden = shown === 0;
  $("wall-empty").hidden = shown > 0 || !isLoaded;
  setText($("wall-empty"), lines.size ? "No conversation matches the filter." : "No conversations at the moment.");
}

function rememberFilter() {
  const query = new URLSearchParams();
  for (const name of ["q", "state"]) if (form[name].value) query.set(name, form[name].value);
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  filter();
}

function move(step) {
  const links = [...body.querySelectorAll("tr:not([hidden]) a.open")];
  const at = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

const query = new URLSearchParams(location.search);
form.q.value = query.get("q") ?? "";
form.state.value = query.get("state") ?? "";
form.addEventListener("input", rememberFilter);
form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") move(1);
  if (event.key === "k") move(-1);
});
setInterval(() => {
  if (!document.hidden) lines.forEach((line) => line.tick());
}, 1000);
setText($("zone"), zoneName());

new Connection({
  path: () => "/ws/live/",
  onFrame: (frame) => handlers[frame.type]?.(frame),
  onState: showConnection,
});
