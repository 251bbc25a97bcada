// The operations page: reads itself again every 2 s while it is seen, and posts decisions without
// leaving the page. Without this script the page's forms do the same with a reload.

import { showConnection } from "./connection.js";
import { element } from "./elements.js";
import { fetchPage } from "./page.js";
import { LivePage } from "./replacing.js";
import { nameZone, showTimes } from "./times.js";

const EVERY_MS = 2000;
const SLOWEST_MS = 15000;
const WITHIN_MS = 8000;
const NOT_LIVE_AFTER_MS = 8000;

const live = new LivePage();
const notices = document.getElementById("notices");
let timer = 0;
let failures = 0;
let heardAt = performance.now();
let request = null; // the one that is under way: a decision ends a poll
let isOver = false; // this page is no longer open to the viewer
let asking = null; // the button that was pressed last, where it needs a reason

async function ask(address, options = {}) {
  request?.abort();
  const mine = new AbortController();
  request = mine;
  const limit = setTimeout(() => mine.abort(), WITHIN_MS);
  try {
    return await fetchPage(address, { ...options, signal: mine.signal });
  } finally {
    clearTimeout(limit);
    if (request === mine) request = null;
  }
}

function show(page) {
  live.take(page);
  showTimes(document);
  countChosen();
  failures = 0;
  heardAt = performance.now();
  showConnection("live", "");
}

async function poll() {
  clearTimeout(timer);
  if (document.hidden || request) return;
  try {
    const page = await ask(location.pathname, { byItself: true });
    if (page) show(page);
  } catch (error) {
    if (error.name === "AbortError" && request) return; // a decision took over, and polls after it
    if (error.status === 403 || error.status === 404) {
      isOver = true;
      showConnection("not live", "no longer allowed");
      return;
    }
    failures += 1;
    sayHowLive();
  }
  again();
}

function again() {
  clearTimeout(timer);
  if (isOver) return;
  const wait = Math.min(SLOWEST_MS, EVERY_MS * 2 ** failures);
  timer = setTimeout(poll, failures ? wait * (0.5 + Math.random() / 2) : wait);
}

function sayHowLive() {
  if (isOver) return;
  const silent = performance.now() - heardAt;
  if (silent > NOT_LIVE_AFTER_MS) showConnection("not live", "reconnecting");
  else showConnection("catching up", "");
}

async function decide(form, button) {
  const body = new FormData(form, button);
  say([["", "Working…"]]);
  try {
    const page = await ask(form.action, { method: "POST", body });
    if (!page) return;
    show(page);
    say(said(page));
    if (document.activeElement === document.body) notices.focus();
  } catch (error) {
    const why = error.status ? `The server answered ${error.status}.` : "The server did not answer.";
    say([["notice failed", `${why} Look at the lists before you try again.`]]);
  }
  again();
}

function say(lines) {
  notices.replaceChildren(...lines.map(([className, text]) => {
    const line = element("p", className);
    line.append(element("span", "", text));
    if (className) line.append(dismissal(line));
    return line;
  }));
}

function dismissal(line) {
  const button = element("button", "button quiet small", "OK");
  button.type = "button";
  button.addEventListener("click", () => line.remove());
  return button;
}

const said = (page) =>
  [...page.querySelectorAll("#notices .notice")].map((node) => [node.className, node.textContent]);

// Buttons for the chosen ones wait until something is chosen.
function countChosen() {
  for (const form of document.querySelectorAll("form[id]")) {
    const boxes = [...document.querySelectorAll(`input[name="row"][form="${form.id}"]`)];
    const chosen = boxes.filter((box) => box.checked).length;
    for (const button of form.querySelectorAll('button[name="decision"]')) button.disabled = !chosen;
    const all = form.querySelector("input[data-all]");
    if (all) {
      all.checked = chosen > 0 && chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
  }
}

document.addEventListener("change", (event) => {
  if (event.target.type === "checkbox") asking = null;
  const list = event.target.dataset?.all;
  if (list) {
    for (const box of document.querySelectorAll(`#${list} input[name="row"]`)) box.checked = event.target.checked;
  }
  countChosen();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[form], form button");
  const reason = document.getElementById("letters-reason");
  if (!button || !reason) return;
  reason.required = "needsReason" in button.dataset;
  asking = reason.required ? button : null;
});
// Enter in the reason closes: the letter whose button asked for it, or what is ticked.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || event.target.id !== "letters-reason") return;
  event.preventDefault();
  (asking ?? document.querySelector("#letters-bulk [data-needs-reason]"))?.click();
});
document.addEventListener("submit", (event) => {
  if (!event.target.closest("main")) return;
  event.preventDefault();
  decide(event.target, event.submitter);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || isOver) return;
  heardAt = performance.now(); // silence while nobody looked means nothing
  showConnection("catching up", "");
  poll();
});
setInterval(() => {
  if (document.hidden) return;
  showTimes(document);
  if (performance.now() - heardAt > NOT_LIVE_AFTER_MS) sayHowLive();
}, 1000);

say(said(document));
nameZone();
showTimes(document);
countChosen();
showConnection("live", "");
again();
