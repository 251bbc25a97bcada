// How times, languages and states are said: in the viewer's zone, in words and not in colour alone.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const momentFormat = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});
const languageNames = new Intl.DisplayNames(["en"], { type: "language", fallback: "code" });

export const zoneName = () => {
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "short" }).formatToParts(new Date());
  const short = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return short && short !== zone ? `${zone} (${short})` : zone;
};
export const clock = (iso) => clockFormat.format(new Date(iso));
export const day = (iso) => dayFormat.format(new Date(iso));
export const moment = (iso) => momentFormat.format(new Date(iso));

export function duration(fromIso, toIso) {
  const until = toIso ? new Date(toIso) : new Date();
  const seconds = Math.max(0, Math.floor((until - new Date(fromIso)) / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
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

// What a message's state is called, and its colour (a class of the style sheet).
const DELIVERY = {
  queued: ["waiting", "Waiting"],
  sending: ["waiting", "Sending…"],
  confirmed: ["ok", "Delivered"],
  ambiguous: ["ambiguous", "Ambiguous"],
  review: ["review", "Under review"],
  failed: ["failed", "Failed"],
  expired: ["failed", "Expired"],
  dropped: ["quiet", "Dropped"],
};

export function messageState(row) {
  if (row.translation_state === "pending") return ["translating", "Translating…"];
  if (row.translation_state === "failed") return ["failed", "Failed: not translated"];
  if (row.delivery) return DELIVERY[row.delivery.state] ?? ["quiet", row.delivery.state];
  if (row.translation_state === "passed_through") return ["quiet", "Passed through"];
  if (row.translation_state === "translated") return ["waiting", "Translated"];
  return ["", ""];
}

export const STATUS_WORDS = {
  translating: "Translating",
  waiting: "Waiting",
  ambiguous: "Ambiguous",
  review: "Under review",
  failed: "Failed",
  ok: "All well",
  closed: "Ended",
};
