// The chat simulator's page: the guest's side, the agent's side, and what plays tricks on both.

import { element, setText } from "../elements.js";
import { Typing } from "../typing.js";
import { languagePair } from "../words.js";
import { Attachment, takeFiles } from "./attachment.js";
import { agentBubble, guestBubble } from "./bubbles.js";
import { showCountsOf } from "./counts.js";
import { Scripts } from "./scripts.js";
import { Socket } from "./socket.js";
import { Timeline } from "./timeline.js";

const MAX_ACTION = 60 * 1024; // the web server takes 64 KiB
const TYPING_MS = 3000;
const NEAR_END_PX = 80;
const KEPT = "parley.simulator";
const ERROR_FIELDS = ["text", "file", "context", "name", "email", "metadata", "script", "speed", "fault", "reply"];

const $ = (id) => document.getElementById(id);
const main = $("simulator");
const lists = { guest: $("guest-list"), agent: $("agent-list") };
const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
const run = Math.random().toString(36).slice(2, 8);
let number = 0;
let conversationId = "";
let line = "connecting";
let isReady = false;
let asked = {}; // who the guest is to be, kept once the platform has let them in
let unsent = []; // actions written while no guest was connected
let typed = { guest: 0, agent: 0 };

const timeline = new Timeline({ onChange: changed });
const typing = new Typing($("guest-typing"), () => "The agent");
const scripts = new Scripts({
  onChosen(script) {
    keep({ script: script.name });
    if (!$("name").value) fillWho();
  },
  onSay: saySentence,
});
const socket = new Socket({
  path: "/ws/simulator/",
  onOpen: () => {},
  onFrame: (frame) => (frame.error ? showError(frame) : handlers[frame.type]?.(frame)),
  onAway: (reason, isFinal) => {
    becomeUnready();
    showLine(isFinal ? "stopped" : "away", reason);
  },
});

const attachment = new Attachment({
  address: main.dataset.uploads,
  token: $("csrf").elements.csrfmiddlewaretoken.value,
  send: (action) => socket.send(action),
  onPicked: () => $("guest-text").focus(),
  onProblem: (error, ref) => (error ? showError({ error, field: "file", ref }) : clearError("file")),
  onArrived: (ref, caption, file) => {
    timeline.write(ref, caption, [file]);
    if ($("guest-text").value === caption) write("");
  },
});

const handlers = {
  ready(frame) {
    if (frame.scripts) scripts.use(frame.scripts, kept.script);
    if (!$("name").value) fillWho();
    document.body.classList.toggle("bare", !frame.scripts);
    connect(kept.session);
  },
  connected(frame) {
    if (conversationId && frame.conversationId !== conversationId) forgetAll();
    conversationId = frame.conversationId;
    keep({ session: frame.session, ...asked });
    if (asked.name) setText($("guest-shown"), asked.name);
    asked = {};
    const open = $("open-live");
    open.href = main.dataset.live.replace("ID", encodeURIComponent(conversationId));
    open.hidden = false;
    switchFaultsOff();
  },
  state(frame) {
    showLine(frame.state, frame.reason, frame.attempts);
    if (frame.state === "live") becomeReady();
  },
  message(frame) {
    timeline.shown(frame);
    if (frame.sender === "agent") typing.ended("agent");
  },
  progressed(frame) {
    attachment.progressed(frame.ref);
    timeline.progressed(frame);
    showCounts();
  },
  progress(frame) {
    timeline.progress(frame);
    const last = frame.rows.at(-1);
    if (last) setText($("pair"), languagePair(last.source_language, last.target_language));
    showCounts();
  },
  typing(frame) {
    typing.hear("agent", frame.state);
  },
  read(frame) {
    const at = timeline.items.findIndex((item) => item.key === frame.sequenceId);
    timeline.items.slice(0, at + 1).filter((item) => item.kind === "guest" && item.key && !item.isRead)
      .forEach((item) => { item.isRead = true; changed(item); });
  },
  upload(frame) {
    attachment.uploaded(frame);
  },
  platform(frame) {
    const facts = Object.entries({ ...frame.context }).flatMap(([key, value]) => [
      element("dt", "", key), element("dd", "", typeof value === "string" ? value : JSON.stringify(value)),
    ]);
    $("platform-context").replaceChildren(...facts);
  },
  playing(frame) {
    scripts.played(frame);
    if (frame.script && frame.speaker === "guest") timeline.write(frame.ref, frame.text);
  },
  faults(frame) {
    for (const box of $("faults").querySelectorAll("input")) box.checked = frame.on.includes(box.value);
  },
};

// --- The guest's line ---

function connect(session) {
  const metadata = readJson($("metadata").value) ?? {};
  socket.send({ action: "connect", name: $("name").value, email: $("email").value, metadata, session });
  if ($("offline").checked) socket.send({ action: "offline" });
}

function becomeReady() {
  if (isReady) return;
  isReady = true;
  const written = unsent;
  unsent = [];
  const refs = new Set(written.map(({ ref }) => ref));
  const lost = timeline.items.filter((item) => item.kind === "guest" && !item.key && item.run === "lost" && !refs.has(item.ref));
  const again = [];
  for (const item of lost) {
    // What had left before the console went away is in the history, or nobody knows.
    if (item.state === "queued") again.push({ action: "send", text: item.text, ref: item.ref });
    else timeline.progressed({ ref: item.ref, state: "unconfirmed", reason: "the console was away" });
  }
  for (const action of [...again, ...written]) {
    const item = timeline.byRef.get(action.ref);
    if (item) item.run = "";
    act(action);
  }
}

function becomeUnready() {
  isReady = false;
  attachment.lineBroke();
}

function act(action) {
  const isWritten = ["send", "context"].includes(action.action);
  if ((isReady || !isWritten) && socket.send(action)) return true;
  if (isWritten) unsent.push(action);
  return false;
}

const LINE_WORDS = {
  connecting: "connecting", live: "connected", waiting: "reconnecting", offline: "offline",
  stopped: "ended", away: "reconnecting",
};

function showLine(state, reason = "", attempts = 0) {
  if (state === "away" || state === "stopped") {
    timeline.items.filter((item) => !item.key).forEach((item) => { item.run = "lost"; });
  }
  line = state;
  $("line").dataset.state = state;
  const tries = attempts > 1 ? `, try ${attempts + 1}` : "";
  const why = ["away", "stopped"].includes(state) && reason ? `: ${reason}` : "";
  setText($("line-text"), LINE_WORDS[state] + tries + why);
}

// --- What is shown ---

function changed(item) {
  if (["guest", "agent", "system"].includes(item.kind)) show("guest", item, guestBubble(item, { onAgain: again }));
  if (item.kind === "agent" || (item.kind === "guest" && item.key)) show("agent", item, agentBubble(item));
  showCounts();
}

function show(side, item, node) {
  const list = lists[side];
  const follows = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
  const property = `${side}Node`;
  const at = timeline.items.indexOf(item);
  const next = timeline.items.slice(at + 1).find((one) => one[property]?.parentNode === list);
  const before = next?.[property] ?? null;
  if (node.parentNode !== list || node.nextElementSibling !== before) list.insertBefore(node, before);
  $(`${side}-hint`).hidden = true;
  if (follows) list.scrollTop = list.scrollHeight;
  if (side === "agent" && item.kind === "guest") lookedAt();
}

let lookTimer = 0;
function lookedAt() {
  if (document.hidden || !isReady || lookTimer) return;
  lookTimer = setTimeout(() => {
    lookTimer = 0;
    if (isReady) socket.send({ action: "seen" });
  }, 1500);
}

function showCounts() {
  showCountsOf(timeline);
}

function showError({ error, field = "", ref = "" }) {
  attachment.failed(ref);
  const known = ERROR_FIELDS.includes(field) ? field : "action";
  const place = $(`${known}-error`) ?? $("action-error");
  setText(place, sentence(error));
  place.hidden = false;
  const input = { text: "guest-text", reply: "agent-text" }[field] ?? field;
  $(input)?.setAttribute?.("aria-invalid", "true");
  if (["name", "email", "metadata"].includes(field) && line === "live") becomeReady(); // the old guest is still there
  if (ref && timeline.byRef.get(ref)?.state === "queued") timeline.progressed({ ref, state: "refused", reason: error });
}

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");

function clearError(field) {
  $(`${field}-error`).hidden = true;
  $("action-error").hidden = true;
  $({ text: "guest-text", reply: "agent-text" }[field] ?? field)?.removeAttribute?.("aria-invalid");
}

function forgetAll() {
  timeline.clear();
  for (const side of ["guest", "agent"]) $(`${side}-hint`).hidden = false;
  $("platform-context").replaceChildren();
  scripts.startAgain();
  showCounts();
  for (const { ref, text } of unsent.filter((one) => one.action === "send")) timeline.write(ref, text);
}

// --- Writing ---

const units = (text) => text.length; // JavaScript counts UTF-16 code units, as the platform does

function say(text) {
  if (units(text) > 4096) {
    showError({ error: `The message has ${units(text).toLocaleString("en")} characters, and 4,096 fit: shorten it.`, field: "text" });
    return false;
  }
  clearError("text");
  const ref = `${run}-${number += 1}`;
  timeline.write(ref, text);
  act({ action: "send", text, ref });
  lists.guest.scrollTop = lists.guest.scrollHeight;
  return true;
}

function again(item) {
  timeline.progressed({ ref: item.ref, state: "queued", reason: "" });
  if (item.run === "lost") act({ action: "send", text: item.text, ref: item.ref });
  else act({ action: "again", ref: item.ref });
}

$("guest-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  await attachment.looked;
  const text = $("guest-text").value;
  if (attachment.isPicked) sendAttachment();
  else if (text.trim() && say(text)) write("");
});

function write(text) {
  $("guest-text").value = text;
  grow($("guest-text"));
}

function sendAttachment() {
  if (!isReady) {
    showError({ error: "A file needs a connection: it is kept here until you are back.", field: "file" });
    return;
  }
  clearError("file");
  clearError("text");
  attachment.start($("guest-text").value, `${run}-${number += 1}`);
}

$("agent-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("agent-text").value;
  if (!text.trim()) return;
  if (!isReady) {
    showError({ error: "Wait until the guest is connected.", field: "reply" });
    return;
  }
  clearError("reply");
  if (act({ action: "reply", text })) $("agent-text").value = "";
  grow($("agent-text"));
});

for (const [id, side] of [["guest-text", "guest"], ["agent-text", "agent"]]) {
  const field = $(id);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    field.form.requestSubmit();
  });
  field.addEventListener("input", () => {
    grow(field);
    const now = performance.now();
    if (isReady && now - typed[side] > TYPING_MS / 2) {
      typed[side] = now;
      socket.send({ action: "typing", side, state: "active" });
    }
    clearTimeout(typed[`${side}Timer`]);
    typed[`${side}Timer`] = setTimeout(() => {
      typed[side] = 0;
      if (isReady) socket.send({ action: "typing", side, state: "inactive" });
    }, TYPING_MS);
  });
}

function grow(field) {
  field.rows = Math.min(5, Math.max(1, field.value.split("\n").length));
}

takeFiles({
  side: document.querySelector(".guest-side"),
  field: $("guest-text"),
  button: $("file"),
  pick: (file) => attachment.pick(file),
});
$("picked-again").addEventListener("click", sendAttachment);
$("picked-drop").addEventListener("click", () => attachment.drop());

// --- Scripts and sentences ---

function fillWho() {
  $("name").value = kept.name ?? scripts.current?.guest ?? "Anonymous";
  $("email").value = kept.email ?? "guest@example.org";
  setText($("guest-shown"), $("name").value);
}

function saySentence(side, text) {
  if (side === "guest") return say(text);
  if (isReady) return act({ action: "reply", text });
  showError({ error: "Wait until the guest is connected.", field: "reply" });
  return false;
}

$("script").addEventListener("change", () => {
  if (kept.name || timeline.items.length) return;
  fillWho(); // nobody has said a word: the guest of the script may as well say it
  becomeUnready();
  connect("");
});
$("play").addEventListener("click", () => {
  clearError("script");
  if (!isReady) return showError({ error: "Wait until the guest is connected.", field: "script" });
  return scripts.isPlaying ? act({ action: "stop" }) : act({ action: "play", script: $("script").value, speed: Number($("speed").value) });
});

// --- Faults, line, context, who ---

$("offline").addEventListener("change", (event) => act({ action: event.target.checked ? "offline" : "online" }));

$("faults").addEventListener("change", (event) => {
  clearError("fault");
  if (!act({ action: "fault", name: event.target.value, on: event.target.checked })) event.target.checked = false;
});

function switchFaultsOff() {
  if (isReady) return;
  // The switches are on only while their page is connected; after a break they start afresh.
  if (line === "away" || line === "connecting") $("faults").querySelectorAll("input").forEach((box) => { box.checked = false; });
}

$("context-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const data = readJson($("context").value);
  if (data === null) return showError({ error: 'The context is no JSON object. Write, for example, {"uiState": "checkout"}.', field: "context" });
  if ($("context").value.length > MAX_ACTION) return showError({ error: "The context is too large: 32,768 bytes fit.", field: "context" });
  clearError("context");
  return act({ action: "context", data });
});

$("who-form").addEventListener("submit", (event) => {
  event.preventDefault();
  ["name", "email", "metadata"].forEach(clearError);
  if (readJson($("metadata").value) === null) return showError({ error: "The metadata is no JSON object.", field: "metadata" });
  asked = { name: $("name").value, email: $("email").value };
  $("offline").checked = false;
  becomeUnready();
  return connect("");
});

function readJson(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function keep(what) {
  Object.assign(kept, what);
  sessionStorage.setItem(KEPT, JSON.stringify(kept));
}

setInterval(() => timeline.decide(), 1000);
