// The live wall: a row for each conversation; updates come twice a second at most.
//
// While the pointer or the focus is on the list no row changes its place: what is new comes last,
// what has left stays until the reader has gone, the last 50 of it. Nothing stays that nobody sees.

import { Connection, showConnection } from "./connection.js";
import { setText } from "./elements.js";
import { Filters } from "./wall_filters.js";
import { Line } from "./wall_line.js";
import { zoneName } from "./words.js";

const POINTED_MS = 4000; // a pointer that has rested for so long points at nothing
const MAX_GONE = 50;
const $ = (id) => document.getElementById(id);
const body = $("wall-rows");
const lines = new Map(); // conversation id → Line
const gone = new Set(); // ids that have left and are still shown
let isLoaded = false;
let total = 0; // how many there are; the server sends 200 of them at most
let isDirty = false; // something is to be shown at the next frame
let heardAt = null;
let pointedAt = -Infinity;

const filters = new Filters({
  form: $("filters"),
  counters: $("counters"),
  head: $("wall-head"),
  onChange: () => {
    sessionStorage.setItem("parley.wall", location.search);
    arrange();
  },
});

const handlers = {
  snapshot(frame) {
    isLoaded = true;
    total = frame.total;
    const shown = new Set(frame.conversations.map((card) => card.id));
    for (const id of lines.keys()) if (!shown.has(id)) gone.add(id);
    frame.conversations.forEach(take);
    changed();
    return true;
  },
  cards(frame) {
    total = frame.total;
    frame.gone.forEach((id) => lines.has(id) && gone.add(id));
    frame.cards.forEach(take);
    changed();
    return undefined;
  },
  heartbeat: () => undefined,
};

function take(card) {
  gone.delete(card.id);
  const known = lines.get(card.id);
  if (known) known.update(card);
  else lines.set(card.id, new Line(card, body.dataset.address.replace("ID", encodeURIComponent(card.id))));
}

function changed() {
  dropGone(document.hidden ? 0 : MAX_GONE);
  if (isDirty) return;
  isDirty = true;
  requestAnimationFrame(() => {
    isDirty = false;
    if (isHeld()) hold();
    else arrange();
  });
}

// --- order ---

const isHeld = () => body.contains(document.activeElement)
  || (performance.now() - pointedAt < POINTED_MS && body.matches(":hover"));

function drop(id) {
  lines.get(id).node.remove();
  lines.delete(id);
  gone.delete(id);
}

// All that have left but the last few, and but the one that has the focus.
function dropGone(kept) {
  for (const id of [...gone].slice(0, Math.max(0, gone.size - kept))) {
    if (!lines.get(id).node.contains(document.activeElement)) drop(id);
  }
}

// Every row where it belongs.
function arrange() {
  gone.forEach(drop);
  const focused = document.activeElement;
  filters.order([...lines.values()]).forEach((line, index) => {
    const there = body.children[index];
    if (there !== line.node) body.insertBefore(line.node, there ?? null);
    line.node.hidden = !filters.matches(line);
    line.node.classList.remove("out");
  });
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
  $("held").hidden = true;
  show();
}

// Every row where it was; says how many are out of place.
function hold() {
  let waiting = 0;
  for (const [id, line] of lines) {
    const isNew = !line.node.isConnected;
    const matches = filters.matches(line) && !gone.has(id);
    if (isNew) {
      body.append(line.node);
      line.node.hidden = !matches;
    } else if (line.node.hidden && matches) {
      line.node.hidden = false;
      body.append(line.node);
    }
    line.node.classList.toggle("out", !line.node.hidden && !matches);
  }
  const there = [...body.children].filter((node) => !node.hidden);
  const order = new Map(filters.order([...lines.values()]).map((line, index) => [line.node, index]));
  for (let at = 0; at < there.length; at += 1) {
    const isOut = there[at].classList.contains("out");
    if (isOut || (at && order.get(there[at]) < order.get(there[at - 1]))) waiting += 1;
  }
  $("held").hidden = waiting === 0;
  setText($("held"), `Order held · ${waiting} to move`);
  show();
}

function show() {
  const all = [...lines.values()].filter((line) => !gone.has(line.card.id));
  const shown = all.filter((line) => filters.matches(line)).length;
  const words = `${all.length} conversation${all.length === 1 ? "" : "s"}`;
  const count = shown === all.length ? words : `${shown} of ${words}`;
  const isCut = total > all.length;
  setText($("wall-count"), isCut ? `${count}, of ${total}: those that need somebody, then the newest` : count);
  $("wall").hidden = ![...body.children].some((node) => !node.hidden);
  $("wall-empty").hidden = !$("wall").hidden;
  if (isLoaded) setText($("wall-empty"), all.length ? "No conversation matches the filters." : "No conversations at the moment. They appear here as they begin.");
  $("clear").hidden = !filters.isAny;
  filters.show(all);
  const worst = all.filter((line) => ["failed", "review"].includes(line.status)).length;
  document.title = `${document.hidden ? "⏸ " : ""}${worst ? `(${worst}) ` : ""}Live · Parley`;
}

body.addEventListener("pointermove", () => { pointedAt = performance.now(); }, { passive: true });
body.addEventListener("pointerleave", () => {
  pointedAt = -Infinity;
  changed();
});
body.addEventListener("focusout", () => changed());

// --- view, keys ---

const narrow = matchMedia("(max-width: 760px)"); // no table fits

function showView() {
  const chosen = localStorage.getItem("parley.wall.view") === "cards";
  $("wall").classList.toggle("cards", chosen || narrow.matches);
  $("view").setAttribute("aria-pressed", String(chosen));
  $("view").hidden = narrow.matches;
}

function turnView() {
  const isCards = localStorage.getItem("parley.wall.view") === "cards";
  localStorage.setItem("parley.wall.view", isCards ? "table" : "cards");
  showView();
}

function move(step) {
  const links = [...body.querySelectorAll("tr:not([hidden]) a.open")];
  const at = links.indexOf(document.activeElement);
  links[Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  "/": () => $("filters").q.focus(),
  v: turnView,
  r: arrange,
  x: () => filters.clear(),
  "?": () => $("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (!(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});
$("view").addEventListener("click", turnView);
$("held").addEventListener("click", arrange);
$("clear").addEventListener("click", () => filters.clear());
$("help-open").addEventListener("click", () => $("help").showModal());

// --- time ---

function tick() {
  if (document.hidden) return;
  lines.forEach((line) => line.tick());
  showFresh();
}

function showFresh() {
  const seconds = heardAt === null ? null : Math.floor((performance.now() - heardAt) / 1000);
  setText($("fresh"), seconds === null ? "" : seconds < 1 ? "as of now" : `as of ${seconds} s ago`);
}

setInterval(tick, 1000);
document.addEventListener("visibilitychange", () => {
  $("paused").hidden = !document.hidden;
  show();
  tick();
});

narrow.addEventListener("change", showView);
showView();
filters.fromAddress();
setText($("zone"), zoneName());

new Connection({
  path: () => "/ws/live/",
  onFrame: (frame) => {
    heardAt = performance.now();
    showFresh();
    return handlers[frame.type]?.(frame);
  },
  onState: showConnection,
});
