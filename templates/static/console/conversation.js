// The page of one conversation: applies snapshot and events; applying one twice is harmless.

import { Announcer } from "./announcer.js";
import { Card } from "./card.js";
import { Connection, showConnection } from "./connection.js";
import { setText } from "./elements.js";
import { Figures, languageWords } from "./figures.js";
import { Failed, History } from "./history.js";
import { LanguageChoice, reasonFor } from "./reply/language.js";
import { ReplyBox } from "./reply/reply.js";
import { Selection } from "./selection.js";
import { Store } from "./store.js";
import { Timeline, copied } from "./timeline.js";
import { Transcript } from "./transcript.js";
import { Typing } from "./typing.js";
import { clock, languagePair, zoneName } from "./words.js";

const AGAIN_AFTER_MS = 3000;

const $ = (id) => document.getElementById(id);
const list = $("bubbles");
const pill = $("new-messages");
const originals = $("show-originals");
const side = $("side");
const external = encodeURIComponent(list.dataset.conversation);
const store = new Store();
const history = new History(`/live/${external}/`);
const figures = new Figures();
const replyBox = $("reply") && new ReplyBox($("reply"), { send: (said) => live.tell(said) });
const languageChoice = $("language-form") && new LanguageChoice($("language-form"));
const announcer = new Announcer($("announcer"));
const names = { guest: "The guest", agent: "The agent" };
const typing = new Typing($("typing"), (origin) => names[origin] ?? "Somebody");
let conversation = null;
let cursor = null;
let unseen = 0;
let isReading = false; // a page of history is on its way
let underWay = Promise.resolve();
let turn = Promise.resolve(); // of what a person asked for last
let connection = ["catching up", ""];
let behind = 0;

const transcript = new Transcript({
  scroller: $("transcript"),
  list,
  store,
  context: {
    showsBoth: () => originals.checked,
    operations: list.dataset.operations ?? "",
    writeAgain: replyBox && ((text) => replyBox.take(text)),
  },
  onMove: moved,
  onShown: shown,
});
const timeline = new Timeline({
  place: $("timeline"),
  history,
  onFailed: (error) => setText($("timeline"), `Cannot be shown: ${error.message}.`),
});
const selection = new Selection({
  list,
  scroller: $("transcript"),
  store,
  transcript,
  onSelect: selected,
  onNeeded: goTo,
  onEdge: (edge) => (edge === "first" ? toFirst() : toLast()),
});
const card = new Card({ list, scroller: $("transcript"), rowOf: (bubble) => store.byId.get(Number(bubble.dataset.id)) });

// --- what the socket brings ---

const handlers = {
  snapshot(frame) {
    const isFirst = cursor === null;
    figures.clear();
    frame.rows.forEach((row) => figures.put(row));
    const fresh = store.start(frame, transcript.follows);
    cursor = frame.seq;
    showHeader(frame.conversation);
    timeline.refresh();
    if (!transcript.follows) unseen += fresh;
    if (store.isStale) restore();
    transcript.show();
    if (isFirst && location.hash) selection.fromAddress();
    return !store.isStale;
  },
  row(frame) {
    if (cursor !== null && frame.seq <= cursor) return undefined;
    cursor = frame.seq;
    take(frame.row, frame.seq);
    return undefined;
  },
  conversation(frame) {
    if (cursor !== null && frame.seq < cursor) return undefined;
    cursor = frame.seq;
    showHeader(frame.conversation);
    return !store.isStale;
  },
  heartbeat(frame) {
    behind = Math.max(0, frame.seq - cursor);
    showLive();
    return behind === 0 && !store.isStale;
  },
  typing(frame) {
    // Whoever answers here needs not be told that they do.
    if (frame.origin !== "agent" || !replyBox) typing.hear(frame.origin, frame.state);
    return undefined;
  },
};

function take(row, seq) {
  const isNew = store.put(row, seq, transcript.follows);
  figures.put(row);
  announcer.hear(row, isNew);
  if (isNew) typing.ended(row.origin);
  if (isNew && !transcript.follows) unseen += 1;
  if (timeline.concerns(row.id)) timeline.refresh();
  transcript.show();
}

// --- reading further up and down ---

// What scrolling asks for is not asked while something is being read: it is asked again.
async function read(ask, takeIn) {
  if (isReading) return false;
  underWay = readNow(ask, takeIn);
  return underWay;
}

// What a person asks for is done in the order in which they asked, and none of it is left out.
function inTurn(action) {
  turn = turn.then(action, action);
  return turn;
}

async function readInTurn(ask, takeIn) {
  while (isReading) await underWay.catch(() => {});
  return read(ask, takeIn);
}

async function readNow(ask, takeIn) {
  isReading = true;
  $("older").setAttribute("aria-busy", "true");
  const heard = store.listen();
  try {
    takeIn(await ask(), heard);
    sayFailed("");
    return true;
  } catch (error) {
    store.forget(heard);
    if (!(error instanceof Failed)) throw error;
    sayFailed(`Not loaded: ${error.message}.`);
    setTimeout(() => sayFailed(""), AGAIN_AFTER_MS);
    return false;
  } finally {
    isReading = false;
    $("older").removeAttribute("aria-busy");
    transcript.show();
  }
}

// While it is said nothing is tried again.
function sayFailed(words) {
  const node = $("older-failed");
  if (node.textContent && !words) transcript.show();
  node.hidden = !words;
  setText(node, words);
}

const readOlder = () => read(() => history.before(store.rows[0].seq), (found, heard) => store.takeOlder(found, heard));
const readNewer = () => read(() => history.after(store.rows.at(-1).seq), (found, heard) => store.takeNewer(found, heard));

function moved({ isNearStart, isNearEnd }) {
  if (transcript.follows && unseen) unseen = 0;
  showPill();
  if (!store.rows.length || isReading || !$("older-failed").hidden) return;
  if (isNearStart && store.older && !transcript.follows) readOlder();
  else if (isNearEnd && !store.isAtEnd) readNewer();
}

function goTo(id) {
  return inTurn(() => goToNow(id));
}

function toFirst() {
  return inTurn(toFirstNow);
}

function toLast() {
  return inTurn(toLastNow);
}

async function goToNow(id) {
  transcript.follows = false;
  const isThere = await readInTurn(() => history.around(id), (found, heard) => store.takeInstead(found, heard));
  if (!isThere) {
    if (!store.rows.length || store.isAtEnd) transcript.follows = true;
    return;
  }
  transcript.render();
  selection.fromAddress();
}

async function toFirstNow() {
  transcript.follows = false;
  if (store.older) await readInTurn(() => history.after(0), (found, heard) => store.takeInstead(found, heard));
  transcript.render();
  transcript.toStart();
}

async function toLastNow() {
  if (!store.isAtEnd) await readInTurn(() => history.last(), (found, heard) => store.takeInstead(found, heard));
  if (!store.isAtEnd) return;
  unseen = 0;
  transcript.toEnd();
}

// A snapshot that does not reach as far up as the reader: what they have is read afresh.
async function restore() {
  if (!store.isStale) return;
  const place = store.byId.get(Number(transcript.anchor?.node.dataset.id)) ?? store.rows[0];
  const isDone = await readInTurn(() => history.around(place.id), (found, heard) => store.takeInstead(found, heard));
  if (!isDone) setTimeout(restore, AGAIN_AFTER_MS);
}

// --- what stands around the messages ---

function showHeader(found) {
  conversation = found;
  names.guest = found.guest_name || "The guest";
  names.agent = found.agent_name || "The agent";
  setText($("guest-name"), found.guest_name || "Guest");
  $("with").hidden = !found.agent_name;
  $("no-agent").hidden = Boolean(found.agent_name);
  setText($("agent-name"), found.agent_name);
  setText($("languages"), languagePair(found.guest_language, found.agent_language));
  setText($("guest-language"), languageWords(found.guest_language) + (found.language_basis === "hint" ? "?" : ""));
  setText($("agent-language"), languageWords(found.agent_language));
  const isOver = found.state !== "open";
  $("conversation-state").hidden = !isOver;
  setText($("conversation-state"), isOver && found.closed_at ? `Ended ${clock(found.closed_at)}` : "Ended");
  if (isOver) typing.allEnded();
  showLanguage();
  replyBox?.show(found);
  document.title = `${found.guest_name || "Guest"} · Parley`;
}

// Once a frame, after the bubbles.
function shown() {
  selection.mark();
  card.refresh();
  const { older, rows } = store;
  const note = $("transcript-note");
  note.hidden = rows.length > 0;
  if (cursor !== null) setText(note, "Nobody has said anything yet.");
  $("older").hidden = older === 0;
  setText($("load-older"), `${older} older message${older === 1 ? "" : "s"}: load more`);
  if (!conversation) return;
  figures.showLatency($("latency"), $("latency-figures"));
  showLanguage();
  if (selection.id === null) figures.showSummary($("summary"), conversation);
}

function showLanguage() {
  setText($("guest-reason"), reasonFor(conversation) || figures.reason(conversation.guest_language));
  languageChoice?.show(conversation, figures.languages());
}

function showPill() {
  pill.hidden = unseen === 0;
  setText(pill, `${unseen} new ↓`);
}

function selected(id) {
  const row = store.byId.get(id);
  side.classList.toggle("has-selection", id !== null);
  $("message-side").hidden = id === null;
  $("conversation-side").hidden = id !== null;
  if (row) {
    setText($("timeline-who"), row.sender_name || row.origin);
    setText($("timeline-when"), clock(row.sent_at));
  }
  if (id === null) figures.showSummary($("summary"), conversation);
  timeline.show(id);
}

function showLive() {
  const [state, reason] = connection;
  const waits = state === "catching up" && behind ? `${behind} behind` : reason;
  showConnection(state, waits);
  if (state === "not live") typing.allEnded();
}

// --- controls ---

pill.addEventListener("click", async () => {
  await toLast();
  $("transcript").focus();
});
$("load-older").addEventListener("click", () => {
  transcript.follows = false;
  readOlder();
});
$("to-first").addEventListener("click", toFirst);
$("to-last").addEventListener("click", toLast);
$("close-side").addEventListener("click", () => selection.select(null));
$("copy-link").addEventListener("click", (event) => copied(event.currentTarget, location.href));
$("copy-conversation").addEventListener("click", (event) => copied(event.currentTarget, location.href.split("#")[0]));

originals.checked = localStorage.getItem("parley.originals") !== "hidden";
originals.addEventListener("change", () => {
  localStorage.setItem("parley.originals", originals.checked ? "shown" : "hidden");
  for (const { other } of transcript.bubbles.values()) if (other) other.open = originals.checked;
  transcript.keepPlace();
});
document.addEventListener("click", (event) => {
  for (const chip of document.querySelectorAll("details.chip[open]")) if (!chip.contains(event.target)) chip.open = false;
});
document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details.chip[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

setText($("zone"), zoneName());
const wall = sessionStorage.getItem("parley.wall");
if (wall) $("to-wall").setAttribute("href", $("to-wall").pathname + wall);

const address = `/ws/live/${external}/`;
const live = new Connection({
  path: () => (cursor === null ? address : `${address}?after=${cursor}`),
  cursor: () => cursor,
  onFrame: (frame) => handlers[frame.type]?.(frame),
  onState: (state, reason) => {
    connection = [state, reason];
    showLive();
  },
});
