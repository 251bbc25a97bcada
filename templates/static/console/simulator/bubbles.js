// The two views of a message: as the guest sees it, and as the agent gets it.

import { element, setSpoken, setText } from "../elements.js";
import { clock, languageName, languagePair } from "../words.js";
import { sizeWords } from "./files.js";
import { isFinal } from "./timeline.js";

const GUEST_STATES = {
  queued: ["waiting", "Waiting to be sent"],
  sent: ["quiet", "Sent"],
  confirmed: ["quiet", "✓ Sent"],
  unconfirmed: ["ambiguous", "Not known whether it arrived"],
  refused: ["failed", "Not taken"],
};

export function guestBubble(item, { onAgain }) {
  const isMine = item.kind === "guest";
  const node = item.guestNode ??= bubble(isMine ? "mine" : item.kind);
  const parts = node.parts;
  setText(parts.sender, isMine ? "You" : item.sender || "Agent");
  setText(parts.clock, item.sentAt ? clock(item.sentAt) : "");
  setText(parts.text, item.text);
  parts.text.hidden = !item.text;
  showFiles(parts.files, item.files);
  parts.gap.hidden = !item.missing;
  setText(parts.gap, item.missing === 1 ? "1 message is missing here" : `${item.missing} messages are missing here`);
  parts.late.hidden = !item.isLate;
  const [kind, words] = isMine ? GUEST_STATES[item.state] ?? ["quiet", item.state] : ["", ""];
  parts.state.className = `state ${kind}`;
  setText(parts.state, item.isRead ? "✓✓ Read" : words);
  parts.state.title = item.reason ?? "";
  parts.again.hidden = !["unconfirmed", "refused"].includes(item.state);
  parts.again.onclick = () => onAgain(item);
  return node;
}

export function agentBubble(item) {
  const isGuest = item.kind === "guest";
  const node = item.agentNode ??= bubble(isGuest ? "guest" : "mine");
  const parts = node.parts;
  const row = item.row;
  const translated = item.posted ?? null;
  setText(parts.sender, isGuest ? "Guest" : item.sender || "Agent");
  setText(parts.clock, item.sentAt ? clock(item.sentAt) : "");
  setSpoken(parts.text, { text: translated ?? item.text, language: translated === null ? row?.source_language : row?.target_language });
  parts.text.hidden = !(translated ?? item.text);
  parts.text.classList.toggle("pending", isGuest && !isFinal(item) && Boolean(item.text));
  parts.original.hidden = translated === null;
  setSpoken(parts.original, { text: item.text, language: row?.source_language });
  parts.original.title = row?.source_language ? `Original · ${languageName(row.source_language)}` : "Original";
  showFiles(parts.files, item.files);
  const pair = translated === null ? "" : languagePair(row?.source_language, row?.target_language);
  setText(parts.pair, pair);
  setText(parts.provider, provider(row));
  const [kind, words] = isGuest ? agentState(item, row) : ["", ""];
  parts.state.className = `state ${kind}`;
  setText(parts.state, words);
  return node;
}

function provider(row) {
  if (!row?.provider) return "";
  return row.from_memory ? `${row.provider} · memory` : `${row.provider} · ${Math.round(row.latency_ms ?? 0)} ms`;
}

function agentState(item, row) {
  if (item.posted !== undefined) return ["ok", "Delivered"];
  if (!row) return ["waiting", "On its way…"];
  if (row.translation_state === "pending") return ["translating", "Translating…"];
  if (row.translation_state === "passed_through") return ["quiet", "Passed through: no translation needed"];
  if (row.translation_state === "failed") return ["failed", `Not translated: ${row.translation_reason || "see Operations"}`];
  if (row.translation_state === "") return ["quiet", "Nothing to translate"];
  const delivery = row.delivery?.state ?? "queued";
  if (["review", "failed", "expired", "dropped"].includes(delivery)) return ["review", `Delivery: ${delivery}`];
  return ["waiting", delivery === "ambiguous" ? "Being found out…" : "Being delivered…"];
}

function bubble(kind) {
  const node = element("article", `said ${kind}`);
  const parts = node.parts = {
    gap: element("p", "gap"), sender: element("bdi", "sender"), clock: element("time", "clock"),
    late: element("span", "badge", "late"), text: element("p", "words"), original: element("p", "original"),
    files: element("ul", "files"), pair: element("span", "badge"), provider: element("span", "provider"),
    state: element("span", "state"), again: element("button", "button quiet", "Send again"),
  };
  parts.again.type = "button";
  parts.again.hidden = parts.gap.hidden = parts.late.hidden = parts.original.hidden = true;
  parts.text.dir = parts.original.dir = "auto";
  const head = element("header", "said-head");
  head.append(parts.sender, parts.clock, parts.late);
  const box = element("div", "box");
  const foot = element("footer", "said-foot");
  foot.append(parts.pair, parts.provider, parts.state, parts.again);
  box.append(head, parts.text, parts.original, parts.files, foot);
  node.append(parts.gap, box);
  return node;
}

function showFiles(list, files) {
  const key = JSON.stringify(files);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.hidden = files.length === 0;
  list.replaceChildren(...files.map((file) => {
    const line = element("li");
    const name = element(file.url ? "a" : "span", "", file.name || "file");
    name.dir = "auto";
    if (file.url) Object.assign(name, { href: file.url, rel: "noopener noreferrer", target: "_blank" });
    if (file.preview) {
      const picture = element("img");
      Object.assign(picture, { src: file.preview, alt: "" });
      line.append(picture);
    }
    line.append(name, element("span", "muted", sizeWords(file.size)));
    return line;
  }));
}
