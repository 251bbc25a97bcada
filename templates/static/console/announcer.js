// Tells a screen reader what has just been said: a log that only grows, beside the transcript,
// which is rearranged while it is scrolled.

import { element, setSpoken } from "./elements.js";
import { sides } from "./bubble.js";

const KEPT = 30;

export class Announcer {
  constructor(log) {
    this.log = log;
    this.waiting = new Set(); // ids of new messages that are not translated yet
  }

  hear(row, isNew) {
    if (isNew && this.waiting.size < KEPT) this.waiting.add(row.id);
    if (!this.waiting.has(row.id) || row.translation_state === "pending") return;
    this.waiting.delete(row.id);
    const { main } = sides(row);
    if (!main) return;
    const line = element("p");
    const who = element("bdi", "", row.sender_name || row.origin);
    const words = element("span");
    setSpoken(words, main);
    line.append(who, ": ", words);
    if (row.translation_state === "failed") line.append(" (not translated)");
    this.log.append(line);
    while (this.log.childElementCount > KEPT) this.log.firstElementChild.remove();
  }
}
