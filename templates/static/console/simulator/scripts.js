// The script picker, and the sentences of its language pack that have not been said yet.

import { element, setText } from "../elements.js";

const FIRST_PACK = "hotel-es";
const SIDES = ["guest", "agent"];

const $ = (id) => document.getElementById(id);

export class Scripts {
  // `onChosen(script)`: another pack; `onSay(side, text)`: a sentence; false means not now.
  constructor({ onChosen, onSay }) {
    Object.assign(this, { onChosen, onSay, all: [], current: null, isPlaying: false });
    this.begin();
    $("script").addEventListener("change", () => this.choose());
  }

  begin() {
    this.said = { guest: new Set(), agent: new Set() }; // lines of the script, by their place
  }

  use(found, wanted = FIRST_PACK) {
    this.all = found;
    const options = found.map((one) => {
      const option = element("option", "", `${one.language} · ${one.title}`);
      option.value = one.name;
      return option;
    });
    $("script").replaceChildren(...options);
    $("script").value = found.some((one) => one.name === wanted) ? wanted : found[0]?.name;
    this.choose();
  }

  choose() {
    this.current = this.all.find((one) => one.name === $("script").value) ?? null;
    if (!this.current) return;
    this.startAgain();
    this.onChosen(this.current);
  }

  startAgain() {
    this.begin();
    this.show();
  }

  show() {
    for (const side of SIDES) {
      const left = (this.current?.turns ?? []).map((turn, at) => ({ ...turn, at }))
        .filter((turn) => turn.speaker === side && !this.said[side].has(turn.at));
      $(`${side}-chips`).replaceChildren(...left.map((turn) => this.chip(side, turn, turn === left[0])));
      $(`${side}-chips`).scrollLeft = 0;
    }
  }

  chip(side, turn, isNext) {
    const chip = element("button", isNext ? "chip next" : "chip", turn.text);
    chip.type = "button";
    chip.dir = "auto";
    chip.title = turn.text;
    if (side === "guest") chip.lang = this.current.language.toLowerCase();
    chip.addEventListener("click", () => {
      if (this.onSay(side, turn.text) !== false) this.tick(side, turn.at);
    });
    return chip;
  }

  tick(side, at) {
    this.said[side].add(at);
    this.show();
  }

  // A line that is being played; `script` is null at its end.
  played({ script, speaker, text, line }) {
    this.isPlaying = Boolean(script);
    setText($("play"), script ? "■ Stop" : "▶ Play");
    setText($("script-line"), script ? `${speaker}: ${text}` : "");
    if (script) this.tick(speaker, line);
  }
}
