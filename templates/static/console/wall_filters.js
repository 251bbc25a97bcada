// Which conversations the wall shows, and in which order: all of it stands in the address.

import { element, setText } from "./elements.js";
import { languageBadge, languageName, STATUS_WORDS } from "./words.js";

const NAMES = ["q", "state", "language", "agent", "ended", "sort", "turned"];
const STATES = ["", "failed", "review", "ambiguous", "waiting", "translating", "ok", "closed"];
const RANK = new Map(STATES.map((state, index) => [state, index]));
const byText = new Intl.Collator(undefined, { sensitivity: "base", numeric: true }).compare;

// The first click on a column sorts like this, a second the other way round.
const ORDERS = {
  "": (a, b) => Number(a.isEnded) - Number(b.isEnded) || descending(a.card.started_at, b.card.started_at),
  guest: (a, b) => byText(a.card.guest, b.card.guest),
  agent: (a, b) => byText(a.card.agent || "\uffff", b.card.agent || "\uffff"),
  language: (a, b) => byText(a.card.guest_language, b.card.guest_language),
  state: (a, b) => RANK.get(a.status) - RANK.get(b.status),
  messages: (a, b) => b.card.counts.messages - a.card.counts.messages,
  rate: (a, b) => b.perMinute() - a.perMinute(),
  latency: (a, b) => (b.worstMs() ?? -1) - (a.worstMs() ?? -1),
  duration: (a, b) => b.lastedMs() - a.lastedMs(),
  event: (a, b) => descending(a.card.last_event_at, b.card.last_event_at),
};
const DESCENDING = new Set(["messages", "rate", "latency", "duration"]);

const descending = (a, b) => (a < b ? 1 : a > b ? -1 : 0);
const base = (tag) => languageBadge(tag);

export class Filters {
  constructor({ form, counters, head, onChange }) {
    Object.assign(this, { form, counters, head, onChange });
    this.values = {};
    this.buttons = new Map();
    for (const state of STATES) this.addCounter(state);
    form.addEventListener("input", (event) => this.changed(event.target.name === "q"));
    form.q.addEventListener("blur", () => { this.isTyping = false; });
    form.addEventListener("submit", (event) => event.preventDefault());
    head.addEventListener("click", (event) => this.sortBy(event.target.closest("[data-sort]")?.dataset.sort));
    addEventListener("popstate", () => this.fromAddress());
  }

  addCounter(state) {
    const button = element("button", `counter ${state}`);
    button.type = "button";
    const number = element("strong", "", "0");
    button.append(number, ` ${state ? STATUS_WORDS[state] : "All"}`);
    button.addEventListener("click", () => this.set({ state: this.values.state === state ? "" : state }));
    this.counters.append(button);
    this.buttons.set(state, { button, number });
  }

  // --- the address ---

  fromAddress() {
    const query = new URLSearchParams(location.search);
    this.values = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""]));
    if (!(this.values.sort in ORDERS)) this.values.sort = "";
    if (!RANK.has(this.values.state)) this.values.state = "";
    this.isTyping = false;
    this.toForm();
    this.onChange();
  }

  toForm() {
    for (const name of NAMES) {
      const field = this.form.elements[name];
      if (!field) continue;
      const value = this.values[name];
      if (field.options && ![...field.options].some((option) => option.value === value)) addOption(field, value);
      field.value = value;
    }
  }

  changed(isSearch) {
    for (const name of NAMES) if (this.form.elements[name]) this.values[name] = this.form.elements[name].value;
    if (!isSearch) this.values.turned = "";
    this.toAddress(isSearch && this.isTyping);
    this.isTyping = isSearch;
  }

  set(values) {
    Object.assign(this.values, values);
    this.isTyping = false;
    this.toForm();
    this.toAddress(false);
  }

  // A search is one step back, however many keys were pressed for it.
  toAddress(replaces) {
    const query = new URLSearchParams(NAMES.filter((name) => this.values[name]).map((name) => [name, this.values[name]]));
    const address = query.size ? `?${query}` : location.pathname;
    history[replaces ? "replaceState" : "pushState"](null, "", address);
    this.onChange();
  }

  clear() {
    this.set({ q: "", state: "", language: "", agent: "", ended: "" });
  }

  get isAny() {
    return ["q", "state", "language", "agent", "ended"].some((name) => this.values[name]);
  }

  sortBy(column) {
    if (column === undefined) return;
    const { sort, turned } = this.values;
    if (sort !== column) this.set({ sort: column, turned: "" });
    else if (!turned) this.set({ turned: "1" });
    else this.set({ sort: "", turned: "" });
  }

  // --- what they mean ---

  matches(line, { ignoresState = false } = {}) {
    const { q, state, language, agent, ended } = this.values;
    const { card } = line;
    if (ended && line.isEnded !== (ended === "only")) return false;
    if (language && base(card.guest_language) !== language) return false;
    if (agent && (card.agent || "–") !== agent) return false;
    if (state && !ignoresState && !isIn(line, state)) return false;
    const text = `${card.guest} ${card.agent} ${card.last?.text ?? ""}`.toLowerCase();
    return text.includes(q.trim().toLowerCase());
  }

  order(lines) {
    const { sort, turned } = this.values;
    const sign = turned ? -1 : 1;
    const order = ORDERS[sort];
    return lines.sort((a, b) => sign * order(a, b) || ORDERS[""](a, b) || (a.card.id < b.card.id ? -1 : 1));
  }

  // Counters, the choices of languages and agents, and the arrows in the head of the table.
  show(lines) {
    const counted = lines.filter((line) => this.matches(line, { ignoresState: true }));
    for (const [state, { button, number }] of this.buttons) {
      const count = state ? counted.filter((line) => isIn(line, state)).length : counted.length;
      setText(number, String(count));
      button.classList.toggle("none", count === 0);
      button.setAttribute("aria-pressed", String(this.values.state === state));
    }
    this.choices("language", lines.map(({ card }) => card.guest_language).filter(Boolean), (tag) => [base(tag), languageName(tag.split("-")[0].toLowerCase())]);
    this.choices("agent", lines.map(({ card }) => card.agent), (name) => (name ? [name, name] : ["–", "no agent yet"]));
    for (const cell of this.head.querySelectorAll("[data-sort]")) this.showOrder(cell);
  }

  choices(name, values, said) {
    const select = this.form.elements[name];
    const wanted = new Map(values.map(said));
    const known = new Set([...select.options].map((option) => option.value));
    for (const [value, words] of [...wanted].sort((a, b) => byText(a[1], b[1]))) if (!known.has(value)) addOption(select, value, words);
    for (const option of [...select.options]) {
      const isOver = option.value && !wanted.has(option.value) && option.value !== select.value;
      if (isOver) option.remove();
      else if (wanted.has(option.value)) setText(option, wanted.get(option.value));
    }
  }

  showOrder(cell) {
    const { sort, turned } = this.values;
    if (cell.dataset.sort !== sort) {
      cell.removeAttribute("aria-sort");
      return;
    }
    const isDescending = DESCENDING.has(sort) !== Boolean(turned);
    cell.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
  }
}

const isIn = (line, state) => line.status === state || (state === "closed" && line.isEnded);

function addOption(select, value, words = value) {
  const option = element("option", "", words);
  option.value = value;
  select.append(option);
}
