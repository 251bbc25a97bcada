// The exports page: the job list reads itself again every 2 s while it is seen, and the form shows
// the columns and formats of the chosen kind alone. Without this script the page works by reloading.

import { showConnection } from "./connection.js";
import { fetchPage } from "./page.js";
import { LivePage } from "./replacing.js";
import { nameZone, showTimes } from "./times.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 15000;
const WITHIN_MS = 8000;
const NOT_LIVE_AFTER_MS = 8000;

const live = new LivePage();
const form = document.getElementById("ask");
const { address } = document.getElementById("jobs").dataset;
let timer = 0;
let failures = 0;
let heardAt = performance.now();

async function poll() {
  clearTimeout(timer);
  if (document.hidden) return;
  try {
    const page = await fetchPage(address, { byItself: true, signal: AbortSignal.timeout(WITHIN_MS) });
    if (!page) return;
    live.take(page);
    showTimes(document);
    failures = 0;
    heardAt = performance.now();
    showConnection("live", "");
  } catch (error) {
    if (error.status === 403 || error.status === 404) {
      showConnection("not live", "no longer allowed");
      return;
    }
    failures += 1;
    const isSilent = performance.now() - heardAt > NOT_LIVE_AFTER_MS;
    showConnection(isSilent ? "not live" : "catching up", isSilent ? "reconnecting" : "");
  }
  again();
}

function again() {
  clearTimeout(timer);
  const wait = Math.min(SLOWEST_MS, EVERY_MS * 2 ** failures);
  timer = setTimeout(poll, failures ? wait * (0.5 + Math.random() / 2) : wait);
}

// What the chosen kind does not have cannot be chosen.
function fitForm() {
  const kind = form.querySelector('input[name="kind"]:checked');
  if (!kind) return;
  for (const columns of form.querySelectorAll("details[data-kind]")) columns.hidden = columns.dataset.kind !== kind.value;
  const formats = kind.dataset.formats.split(" ");
  for (const choice of form.querySelectorAll('input[name="file_format"]')) {
    choice.disabled = !formats.includes(choice.value);
    if (choice.disabled && choice.checked) form.querySelector(`input[name="file_format"][value="${formats[0]}"]`).checked = true;
  }
  const format = form.querySelector('input[name="file_format"]:checked');
  form.querySelector(".bom").hidden = format?.value !== "csv";
}

form.addEventListener("change", fitForm);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  heardAt = performance.now(); // silence while nobody looked means nothing
  poll();
});

fitForm();
nameZone();
showTimes(document);
showConnection("live", "");
document.querySelector("#preview-heading")?.focus();
again();
