// Says why the guest's language is taken to be what it is, and lets the agent say otherwise.

import { element, setText } from "../elements.js";
import { languageName } from "../words.js";
import { post } from "./posting.js";

const REASONS = {
  person: () => "An agent has chosen it; what the guest writes does not change it.",
  context: () => "The guest's page says that it prefers this language.",
  hint: () => "One short message looks like it; a longer one decides.",
  messages: (count) => `Detected in ${count} message${count === 1 ? "" : "s"} of the guest with enough text.`,
};

// "" where the console has not said why.
export const reasonFor = (conversation) => REASONS[conversation.language_basis]?.(conversation.language_count) ?? "";

export class LanguageChoice {
  constructor(form) {
    this.form = form;
    this.choice = form.querySelector("select");
    this.options = Object.fromEntries([...this.choice.options].map(({ value }) => [value, true]));
    this.likely = form.querySelector(".likely");
    this.release = form.querySelector(".release");
    this.said = form.querySelector("[role=status]");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.choose(this.choice.value);
    });
    this.release.addEventListener("click", () => this.choose(""));
    this.likely.addEventListener("click", (event) => {
      const { tag } = event.target.dataset;
      if (tag) this.choose(tag);
    });
  }

  // `others`: languages that the guest's messages were taken to be in.
  show(conversation, others) {
    if (conversation.guest_language !== this.language) {
      this.language = conversation.guest_language;
      this.choice.value = this.language in this.options ? this.language : base(this.language);
    }
    this.release.hidden = conversation.language_basis !== "person";
    const shown = others.filter((tag) => base(tag) !== base(conversation.guest_language)).slice(0, 3);
    if (this.shown === shown.join()) return;
    this.shown = shown.join();
    this.likely.replaceChildren(...shown.map((tag) => {
      const button = element("button", "button quiet", languageName(tag));
      button.type = "button";
      button.dataset.tag = tag;
      return button;
    }));
  }

  async choose(tag) {
    this.form.setAttribute("aria-busy", "true");
    try {
      const { words } = await post(this.form.dataset.action, { language: tag });
      setText(this.said, words);
    } catch (error) {
      setText(this.said, `Not changed: ${error.message}`);
    }
    this.form.removeAttribute("aria-busy");
  }
}

const base = (tag) => (tag ?? "").split("-")[0].toLowerCase();
