// The page of one conversation: applies snapshot and events; applying one twice is harmless.

import { Bubble } from "./bubble.js";
import { Connection, showConnection } from "./connection.js";
import { element, setText } from "./elements.js";
import { day, languagePair, zoneName } from "./words.js";

const MAX_BUBBLES = 1500; // the oldest leave the page first
const TYPING_MS = 5000; // an indicator never outlives what it indicates
const NEAR_END_PX = 80;

const $ = (id) => document.getElementById(id);
const transcript = $("transcript");
const log = $("bubbles");
const pill = $("new-messages");
const originals = $("show-originals");
const bubbles = new Map(); // message id → Bubble
const typing = new Map(); // who → until when
let order = []; // bubbles by seq
let cursor = null;
let older = 0;
let unseen = 0;
let follows = true;

const handlers = {
  snapshot(frame) {
    older = frame.older;
    const shown = new Set(frame.rows.map((row) => row.id));
    for (const [id, bubble] of bubbles) if (!shown.has(id)) remove(id, bubble);
    const isFirst = cursor === null;
    frame.rows.forEach((row) => apply(row));
    showHeader(frame.conversation);
    cursor = frame.seq;
    if (isFirst) toEnd();
    return true;
  },
  row(frame) {
    if (cursor !== null && frame.seq <= cursor) return undefined;
    apply(frame.row);
    cursor = frame.seq;
    if (typing.delete(frame.row.origin)) showTyping();
    return undefined;
  },
  conversation(frame) {
    if (cursor !== null && frame.seq < cursor) return undefined;
    showHeader(frame.conversation);
    cursor = frame.seq;
    return true;
  },
  heartbeat(frame) {
    return frame.seq <= cursor;
  },
  typing(frame) {
    const isOn = !["stop", "stopped", "off", "paused", "idle"].includes(String(frame.state).toLowerCase());
    if (isOn) typing.set(frame.origin, performance.now() + TYPING_MS);
    else typing.delete(frame.origin);
    showTyping();
    return undefined;
  },
};

function apply(row) {
  const known = bubbles.get(row.id);
  if (known) {
    known.update(row);
    if (follows) toEnd();
    return;
  }
  const bubble = new Bubble(row);
  bubble.other.open = originals.checked;
  bubbles.set(row.id, bubble);
  place(bubble);
  if (cursor !== null && !follows) unseen += 1;
  if (order.length > MAX_BUBBLES) {
    remove(order[0].row.id, order[0]);
    older += 1;
  }
  showNote();
  if (follows) toEnd();
  showPill();
}

function place(bubble) {
  let at = order.length;
  while (at > 0 && order[at - 1].seq > bubble.seq) at -= 1;
  const next = order[at];
  order.splice(at, 0, bubble);
  log.insertBefore(bubble.node, next ? next.node : null);
  separate(at);
  separate(at + 1);
}

// A line with the date before the first message of each day, in the viewer's zone.
function separate(at) {
  const bubble = order[at];
  if (!bubble) return;
  const date = day(bubble.row.sent_at);
  const isNew = at === 0 || day(order[at - 1].row.sent_at) !== date;
  if (bubble.line) bubble.line.remove();
  bubble.line = null;
  if (!isNew) return;
  bubble.line = element("p", "day");
  bubble.line.append(element("span", "", date));
  log.insertBefore(bubble.line, bubble.node);
}

function remove(id, bubble) {
  bubbles.delete(id);
  const at = order.indexOf(bubble);
  order.splice(at, 1);
  bubble.node.remove();
  bubble.line?.remove();
  separate(at);
}

function showHeader(conversation) {
  setText($("guest-name"), conversation.guest_name || "Guest");
  setText($("agent-name"), conversation.agent_name || "no agent yet");
  setText($("languages"), languagePair(conversation.guest_language, conversation.agent_language));
  $("conversation-state").hidden = conversation.state === "open";
  setText($("conversation-state"), conversation.state === "open" ? "" : "Ended");
  showNote();
}

function showNote() {
  const note = $("transcript-note");
  note.hidden = order.length > 0 && older === 0;
  setText(note, older > 0 ? `${older} older messages are not shown` : "Nobody has said anything yet");
}

function showTyping() {
  const now = performance.now();
  for (const [who, until] of typing) if (until <= now) typing.delete(who);
  const names = [...typing.keys()].map((who) => (who === "guest" ? $("guest-name") : $("agent-name")).textContent);
  setText($("typing"), names.length ? `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} typing…` : "");
}

function showPill() {
  pill.hidden = unseen === 0;
  setText(pill, `${unseen} new ↓`);
}

const isAtEnd = () => transcript.scrollHeight - transcript.scrollTop - transcript.clientHeight < NEAR_END_PX;

function toEnd() {
  transcript.scrollTop = transcript.scrollHeight;
}

transcript.addEventListener("scroll", () => {
  follows = isAtEnd();
  if (follows) unseen = 0;
  showPill();
}, { passive: true });
new ResizeObserver(() => follows && toEnd()).observe(transcript);

pill.addEventListener("click", () => {
  follows = true;
  unseen = 0;
  showPill();
  toEnd();
  transcript.focus();
});

originals.checked = localStorage.getItem("parley.originals") !== "hidden";
originals.addEventListener("change", () => {
  localStorage.setItem("parley.originals", originals.checked ? "shown" : "hidden");
  order.forEach((bubble) => { bubble.other.open = originals.checked; });
  if (follows) toEnd();
});

setInterval(showTyping, 500);
setText($("zone"), zoneName());

const address = `/ws/live/${encodeURIComponent(log.dataset.conversation)}/`;
new Connection({
  path: () => (cursor === null ? address : `${address}?after=${cursor}`),
  onFrame: (frame) => handlers[frame.type]?.(frame),
  onState: showConnection,
  cursor: () => cursor,
});
