// Shows every <time data-shown> in the viewer's zone: as a moment, a clock, or how long ago.
// What the server wrote (UTC) stays in the title.

import { moment, zoneName } from "./words.js";

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];

export function age(iso, now = Date.now()) {
  const seconds = Math.max(0, Math.floor((now - new Date(iso)) / 1000));
  const [, unit, word] = STEPS.find(([limit]) => seconds < limit);
  return `${Math.floor(seconds / unit)} ${word} ago`;
}

const WAYS = { moment, age, clock: (iso) => clockFormat.format(new Date(iso)) };

export function showTimes(root) {
  for (const node of root.querySelectorAll("time[data-shown]")) {
    if (!node.title) node.title = node.textContent;
    const text = WAYS[node.dataset.shown](node.dateTime);
    if (node.textContent !== text) node.textContent = text;
  }
}

export function nameZone() {
  const zone = document.getElementById("zone");
  if (zone) zone.textContent = zoneName();
}
