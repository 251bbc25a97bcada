// The page of one call: applies snapshot and events; applying one twice is harmless.

import { Connection, showConnection } from "../console/connection.js";
import { element, setText } from "../console/elements.js";
import { zoneName } from "../console/words.js";
import { confidenceChart, latencyChart } from "./charts.js";
import { Line, showText } from "./line.js";
import { Suggestions } from "./suggestions.js";

const MAX_LINES = 600; // the oldest leave the page first
const POINTS = 40;
const GROWING_MS = 8000; // a line that no final settles is gone then
const NEAR_END_PX = 80;
const TONES = { live: "ok", connecting: "waiting", waiting: "waiting", stopped: "quiet", refused: "failed" };

const $ = (id) => document.getElementById(id);
const transcript = $("transcript");
const list = $("lines");
const growing = $("growing");
const pill = $("new-lines");
const lines = new Map(); // chunk → Line
const suggestions = new Suggestions($("suggestions"), $("suggestions-note"));
const latency = latencyChart($("latency-chart"), Number(list.dataset.lateMs));
const confidence = confidenceChart($("confidence-chart"));
const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
let order = []; // lines by seq
let cursor = null;
let settledUntil = 0; // media time of the newest final
let unseen = 0;
let older = 0;
let follows = true;
let growingTimer = 0;

const handlers = {
  snapshot(frame) {
    const shown = new Set(frame.rows.map((row) => row.id));
    for (const [id, line] of lines) if (!shown.has(id)) remove(id, line);
    const isFirst = cursor === null;
    older = frame.older;
    frame.rows.forEach((row) => apply(row, false));
    cursor = frame.seq;
    showStream(frame.stream);
    showFigures(frame.figures, frame.conversation);
    redraw();
    if (isFirst) toEnd();
    return true;
  },
  row(frame) {
    if (cursor !== null && frame.seq <= cursor) return undefined;
    apply(frame.row, true);
    cursor = frame.seq;
    redraw();
    return undefined;
  },
  figures(frame) {
    if (cursor !== null && frame.seq < cursor) return undefined;
    showFigures(frame.figures, frame.conversation);
    cursor = frame.seq;
    return true;
  },
  stream(frame) {
    showStream(frame.stream);
    return undefined;
  },
  // TRAP: a late interim never replaces a final.
  line(frame) {
    if (Date.parse(frame.media_at) <= settledUntil) return undefined;
    const kinds = [...frame.text.matchAll(/\[([A-Z][A-Z0-9_]*)\]/g)].map((match) => match[1]);
    showText(growing.firstElementChild, frame.text, kinds);
    growing.hidden = false;
    clearTimeout(growingTimer);
    growingTimer = setTimeout(settle, GROWING_MS);
    if (follows) toEnd();
    return undefined;
  },
  heartbeat(frame) {
    return frame.seq <= cursor;
  },
};

function apply(row, isNew) {
  const known = lines.get(row.id);
  settledUntil = Math.max(settledUntil, Date.parse(row.media_at));
  suggestions.take(row);
  if (known) {
    known.update(row);
    return;
  }
  const line = new Line(row);
  lines.set(row.id, line);
  place(line);
  if (isNew) {
    settle();
    line.node.classList.add("settling");
    if (!follows) unseen += 1;
  }
  if (order.length > MAX_LINES) {
    remove(order[0].row.id, order[0]);
    older += 1;
  }
  if (follows) toEnd();
  showPill();
}

function place(line) {
  let at = order.length;
  while (at > 0 && order[at - 1].seq > line.seq) at -= 1;
  list.insertBefore(line.node, order[at]?.node ?? null);
  order.splice(at, 0, line);
}

function remove(id, line) {
  lines.delete(id);
  order.splice(order.indexOf(line), 1);
  line.node.remove();
}

function settle() {
  clearTimeout(growingTimer);
  growing.hidden = true;
}

function redraw() {
  const rows = order.slice(-POINTS).map((line) => line.row).sort((a, b) => (a.media_at < b.media_at ? -1 : 1));
  latency.show(rows.map((row) => [Date.parse(row.media_at) / 1000, row.latency_ms]));
  confidence.show(rows.filter((row) => row.confidence !== null).map((row) => [Date.parse(row.media_at) / 1000, Math.round(row.confidence * 100)]));
  const last = rows.at(-1);
  showNow($("latency-now"), ms(last?.latency_ms ?? null), last?.is_late);
  showNow($("confidence-now"), percent(last?.confidence ?? null), last?.confidence != null && last.confidence < 0.6);
  $("points").replaceChildren(...rows.slice(-15).reverse().map((row) => {
    const made = element("tr");
    made.append(
      element("td", "", timeFormat.format(new Date(row.media_at))),
      element("td", "number", `${row.latency_ms} ms`),
      element("td", "number", row.confidence === null ? "–" : `${Math.round(row.confidence * 100)} %`),
    );
    return made;
  }));
  const note = $("heard-note");
  note.hidden = order.length > 0 && older === 0;
  setText(note, older > 0 ? `${older} older lines are not shown` : "Nobody has said anything yet");
}

function showStream(stream) {
  const mark = $("stream-state");
  mark.className = `state ${TONES[stream.state] ?? "quiet"}`;
  setText(mark, stream.state);
  setText($("stream-reason"), stream.reason);
  if (stream.state !== "live") settle();
}

const percent = (share) => (share === null ? "–" : `${Math.round(share * 100)} %`);
const ms = (value) => (value === null ? "–" : `${value} ms`);

// Figures with their units, whatever is around them.
function leftToRight(text) {
  const made = element("bdi", "", text);
  made.dir = "ltr";
  return made;
}

function showNow(node, text, isOff) {
  setText(node, text);
  node.classList.toggle("off", Boolean(isOff));
}

function showFigures(figures, conversation) {
  $("call-state").hidden = conversation.state === "open";
  setText($("call-state"), conversation.state === "open" ? "" : "Ended");
  const redactions = Object.entries(figures.redactions).map(([kind, count]) => `${kind} ${count}`).join(", ");
  const shown = [
    ["Lines", `${figures.finals}${figures.late ? ` (${figures.late} late)` : ""}`],
    ["Latency p50, p95, p99", `${ms(figures.latency_p50_ms)}, ${ms(figures.latency_p95_ms)}, ${ms(figures.latency_p99_ms)}`],
    ["Mean latency", ms(figures.latency_mean_ms)],
    ["Mean confidence", percent(figures.confidence_mean)],
    ["Lines under 60 %", percent(figures.low_confidence_share)],
    ["Removed", redactions || "nothing"],
    ["Other codecs left out", figures.dropped_codec],
    ["Reconnected", figures.reconnects],
    ["Look-ups failed", figures.knowledge_failed],
  ];
  $("figures").replaceChildren(...shown.flatMap(([name, value]) => {
    const figure = element("dd");
    figure.append(leftToRight(String(value)));
    return [element("dt", "", name), figure];
  }));
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

setText($("zone"), zoneName());

const address = `/ws/assist/${encodeURIComponent(list.dataset.call)}/`;
new Connection({
  path: () => (cursor === null ? address : `${address}?after=${cursor}`),
  cursor: () => cursor,
  onFrame: (frame) => handlers[frame.type]?.(frame),
  onState: showConnection,
});
