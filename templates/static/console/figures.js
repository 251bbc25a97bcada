// How this conversation is doing: how long translating and delivering take, who speaks what.

import { fill } from "./card.js";
import { setText } from "./elements.js";
import { languageName, lasting, moment, percentile } from "./words.js";

const KEPT = 1000; // messages; as many as a fresh page is told of

export class Figures {
  constructor() {
    this.rows = new Map(); // seq → what counts of a message
  }

  put(row) {
    this.rows.set(row.seq, {
      origin: row.origin,
      language: row.origin === "guest" ? row.source_language : null,
      provider: row.provider,
      isHit: Boolean(row.from_memory),
      translating: row.provider && !row.from_memory ? row.latency_ms : null,
      delivering: row.delivery?.confirmed_at ? new Date(row.delivery.confirmed_at) - new Date(row.received_at) : null,
    });
    if (this.rows.size > KEPT) this.rows.delete(Math.min(...this.rows.keys()));
  }

  clear() {
    this.rows.clear();
  }

  sorted(name) {
    const known = [...this.rows.values()].map((row) => row[name]);
    return known.filter(Number.isFinite).sort((a, b) => a - b);
  }

  showLatency(chip, list) {
    const delivering = this.sorted("delivering");
    const translating = this.sorted("translating");
    const main = delivering.length ? delivering : translating;
    chip.hidden = main.length === 0;
    if (!main.length) return;
    setText(chip.querySelector(".value"), `${lasting(percentile(main, 0.5))} · p95 ${lasting(percentile(main, 0.95))}`);
    fill(list, [...rows("Delivered", delivering), ...rows("Translated", translating)]);
  }

  // Why the guest's language is taken to be what it is.
  reason(language) {
    if (!language) return "Nothing is known yet: one message with enough text is needed.";
    const guests = [...this.rows.values()].filter((row) => row.language);
    const base = (tag) => tag.toLowerCase().split("-")[0];
    const same = guests.filter((row) => base(row.language) === base(language));
    const providers = [...new Set(same.map((row) => row.provider).filter(Boolean))].join(", ");
    if (!same.length) return "Known from an earlier message.";
    return `Found by ${providers || "the provider"} in ${same.length} of the last ${guests.length} messages of the guest.`;
  }

  // What the guest's messages were taken to be in, the most frequent first.
  languages() {
    const counts = new Map();
    for (const { language } of this.rows.values()) if (language) counts.set(language, (counts.get(language) ?? 0) + 1);
    return [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  }

  showSummary(list, conversation) {
    const all = [...this.rows.values()];
    const count = (test) => String(all.filter(test).length);
    const translated = all.filter((row) => row.provider).length;
    const hits = all.filter((row) => row.isHit).length;
    fill(list, [
      ["Conversation", conversation.id],
      ["Channel", conversation.channel],
      ["Started", moment(conversation.created_at)],
      ...(conversation.closed_at ? [["Ended", moment(conversation.closed_at)]] : []),
      ["Guest said", count((row) => row.origin === "guest")],
      ["Agent said", count((row) => row.origin === "agent")],
      ["From memory", translated ? `${hits} of ${translated}` : "–"],
    ]);
  }
}

function rows(name, sorted) {
  if (!sorted.length) return [];
  return [
    [`${name}, half within`, lasting(percentile(sorted, 0.5))],
    [`${name}, 95 % within`, lasting(percentile(sorted, 0.95))],
    [`${name}, slowest`, lasting(sorted.at(-1))],
    [`${name}, messages`, String(sorted.length)],
  ];
}

export const languageWords = (tag) => (tag ? languageName(tag) : "not known yet");
