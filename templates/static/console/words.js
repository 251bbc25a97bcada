// How times, languages and states are said: in the viewer's zone, in words and not in colour alone.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const momentFormat = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});
const stepFormat = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
});
const languageNames = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

export const zoneName = () => {
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(new Date());
  const short = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return short && short !== zone ? `${zone} (${short})` : zone;
};
export const clock = (iso) => clockFormat.format(new Date(iso));
export const day = (iso) => dayFormat.format(new Date(iso));
export const preciseClock = (iso) => stepFormat.format(new Date(iso));
export const moment = (iso) => momentFormat.format(new Date(iso));

export function duration(fromIso, toIso) {
  const until = toIso ? new Date(toIso) : new Date();
  const seconds = Math.max(0, Math.floor((until - new Date(fromIso)) / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

// How long nobody spoke, in words; nothing where that was short.
const GAP_MS = 10 * 60 * 1000;

export function gap(fromIso, toIso) {
  const silent = new Date(toIso) - new Date(fromIso);
  if (silent < GAP_MS) return "";
  const minutes = Math.round(silent / 60000);
  if (minutes < 120) return `${minutes} minutes later`;
  return `${Math.round(minutes / 60)} hours later`;
}

// 128 ms · 2.4 s · 3 min 20 s · 2 h 5 min
export function lasting(ms) {
  if (ms === null || ms === undefined) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h) return m ? `${h} h ${m} min` : `${h} h`;
  return s ? `${m} min ${s} s` : `${m} min`;
}

export function percentile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

// "en-US" → "EN"; a script that tells two languages apart stays: "zh-Hant" → "ZH-HANT".
export function languageBadge(tag) {
  if (!tag) return "";
  const [base, script] = tag.split("-");
  return (script?.length === 4 ? `${base}-${script}` : base).toUpperCase();
}

export function languageName(tag) {
  if (!tag) return "unknown language";
  try {
    return languageNames.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export const languagePair = (from, to) =>
  from && to && languageBadge(from) !== languageBadge(to)
    ? `${languageBadge(from)}→${languageBadge(to)}`
    : languageBadge(from || to);

// What a message's state is called, its colour (a class of the style sheet), and what it means.
const DELIVERY = {
  queued: ["waiting", "Waiting", "Translated; it is sent when its turn comes."],
  sending: ["waiting", "Sending…", "On its way to the conversation."],
  confirmed: ["ok", "Delivered", "It stands in the conversation."],
  ambiguous: ["ambiguous", "Ambiguous", "It was sent, and whether it arrived is being found out. It is not sent twice."],
  review: ["review", "Under review", "Nobody can tell whether it arrived: a person decides."],
  failed: ["failed", "Failed, not delivered", "The platform refused it: a person decides."],
  expired: ["failed", "Expired, not delivered", "It waited for too long: a person decides."],
  dropped: ["quiet", "Dropped", "A person decided that it is not sent."],
};
const TRANSLATION = {
  pending: ["translating", "Translating…", "Waiting for the translation."],
  failed: ["failed", "Failed, not translated", "The provider cannot translate it: a person decides."],
  passed_through: ["quiet", "Passed through", "It is in the agents' language already."],
  translated: ["waiting", "Translated", "Its delivery follows."],
};

export function messageState(row) {
  const { translation_state: translation, delivery } = row;
  if (translation === "pending" || translation === "failed") return TRANSLATION[translation];
  if (delivery) return DELIVERY[delivery.state] ?? ["quiet", delivery.state, ""];
  return TRANSLATION[translation] ?? ["", "", ""];
}

// What an agent is told of a reply that did not arrive, or may not have.
const TROUBLE = {
  failed: "The platform refused it, so the guest has not got it. Write it again, or have a supervisor retry it.",
  expired: "It waited for too long and was not sent. Write it again if it is still wanted.",
  review: "Nobody can tell whether the guest has got it. A supervisor decides; do not write it again before.",
  ambiguous: "Whether it arrived is being found out. It is not sent twice; wait a moment.",
  dropped: "A supervisor has decided that it is not sent.",
};

const NEVER_SENT = "It waited for too long and was not sent. A supervisor decides whether it still is.";

export function replyTrouble(row) {
  if (row.translation_state === "failed") {
    return "It could not be translated, so the guest has not got it. Write it differently, or send it as written.";
  }
  if (row.delivery?.state === "review" && row.delivery.attempts === 0) return NEVER_SENT;
  return TROUBLE[row.delivery?.state] ?? "";
}

const NOT_SENT = ["failed", "expired", "dropped"];

// Whether another reply in its place cannot reach the guest beside it.
export const mayBeWrittenAgain = (row) =>
  row.translation_state === "failed" || NOT_SENT.includes(row.delivery?.state);

export const needsSomebody = (row) => {
  const [kind] = messageState(row);
  return kind === "failed" || kind === "review";
};

export const STATUS_WORDS = {
  translating: "Translating",
  waiting: "Waiting",
  ambiguous: "Ambiguous",
  review: "Under review",
  failed: "Failed",
  ok: "All well",
  closed: "Ended",
};
