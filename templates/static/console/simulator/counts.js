// The counter: what was sent, stored, translated, delivered and shown, and whether all agree.

import { setText } from "../elements.js";

const $ = (id) => document.getElementById(id);

export function showCountsOf(timeline) {
  const counts = { sent: timeline.sent, ...timeline.counts, shown: timeline.shownToAgent };
  for (const name of ["sent", "stored", "translated", "delivered", "shown"]) setText($(`count-${name}`), String(counts[name]));
  const values = [counts.sent, counts.stored, counts.translated, counts.delivered, counts.shown];
  const agree = values.every((value) => value === values[0]);
  const mark = $("agreement");
  mark.className = `state ${agree ? (counts.sent ? "ok" : "quiet") : "waiting"}`;
  setText(mark, agree ? (counts.sent ? "✓ all agree" : "nothing said yet") : "under way…");
}
