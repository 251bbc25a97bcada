// The reply box: write, see what the guest would get, change it, send. What is typed leaves the
// browser for a preview and for sending, at no other time.

import { setText } from "../elements.js";
import { languageBadge, languageName } from "../words.js";
import { Draft } from "./draft.js";
import { Keystrokes } from "./keystrokes.js";
import { post } from "./posting.js";

const UNKNOWN = "Nobody can tell whether it was sent: the console did not answer. Your text is kept. Send it again; it is delivered once, however often you do.";

export class ReplyBox {
  // `send(message)`: over the page's socket.
  constructor(form, { send }) {
    this.form = form;
    this.find("text", "preview", "preview-text", "preview-title", "preview-facts", "preview-missing",
      "preview-close", "as-written", "target", "status", "error", "ask", "send", "over");
    this.draft = new Draft(`parley.draft.${form.dataset.user}.${form.dataset.conversation}`);
    this.language = "";
    this.agentLanguage = "";
    this.isOver = false;
    this.busy = false;
    const keystrokes = new Keystrokes((said) => !this.isOver && send(said));
    keystrokes.watch(this.text);
    keystrokes.watch(this.previewText);
    this.listen();
    this.restore();
  }

  find(...names) {
    for (const name of names) {
      const property = name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
      this[property] = document.getElementById(`reply-${name}`);
    }
  }

  listen() {
    this.text.addEventListener("input", () => this.changed());
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.previewText.addEventListener("input", () => {
      this.draft.keep({ preview: { ...this.draft.preview, edited: this.previewText.value } });
    });
    this.previewClose.addEventListener("click", () => {
      this.dropPreview();
      this.text.focus();
    });
    this.asWritten.addEventListener("change", () => {
      this.draft.keep({ asWritten: this.asWritten.checked });
      this.dropPreview();
      this.refresh();
    });
    this.ask.addEventListener("click", () => this.askForPreview());
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  restore() {
    this.text.value = this.draft.text;
    this.asWritten.checked = this.draft.asWritten;
    if (this.draft.preview) this.showPreview(this.draft.preview);
    if (this.draft.isUnknown) this.fail(UNKNOWN);
    this.refresh();
  }

  // What the head of the page knows.
  show(conversation) {
    this.agentLanguage = conversation.agent_language;
    this.language = conversation.guest_language;
    if (this.draft.preview && this.draft.preview.target !== this.language) {
      this.dropPreview();
      this.say("The guest's language has changed: preview it again.");
    }
    this.isOver = conversation.state !== "open";
    this.over.hidden = !this.isOver;
    this.refresh();
  }

  refresh() {
    const isTranslated = !this.asWritten.checked && !this.isSame;
    const words = this.asWritten.checked ? "Goes out as you write it"
      : !this.language ? "The guest's language is not known yet"
        : this.isSame ? `Goes out in ${languageName(this.language)}, which you both speak`
          : `Goes out in ${languageName(this.language)}`;
    setText(this.target, words);
    this.ask.hidden = !isTranslated;
    this.ask.disabled = this.busy || !this.language;
    this.send.disabled = this.busy || this.isOver;
    this.text.readOnly = this.busy;
    this.previewText.readOnly = this.busy;
    this.form.toggleAttribute("aria-busy", this.busy);
  }

  get isSame() {
    return Boolean(this.language) && languageBadge(this.language) === languageBadge(this.agentLanguage);
  }

  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.submit();
  }

  changed() {
    this.fail("");
    this.draft.keep({ text: this.text.value });
    if (!this.draft.preview) return this.say("");
    this.dropPreview();
    this.say("The preview was of another wording.");
  }

  async askForPreview() {
    const text = this.text.value;
    await this.during("Translating…", async () => {
      const made = await post(this.form.dataset.preview, { text });
      if (text !== this.text.value) return;
      this.draft.keep({ preview: { ...made, edited: made.text } });
      this.showPreview(this.draft.preview);
      this.say("");
      this.previewText.focus();
    });
  }

  showPreview(preview) {
    this.preview.hidden = false;
    setText(this.previewTitle, `The guest gets, in ${languageName(preview.target)}`);
    setText(this.previewFacts, preview.provider ? `${preview.provider} · ${preview.latency_ms} ms · you can change it` : "you can change it");
    this.previewText.lang = preview.target;
    this.previewText.value = preview.edited;
    const missing = preview.missing ?? [];
    this.previewMissing.hidden = missing.length === 0;
    setText(this.previewMissing, missing.length ? `Look at it: ${missing.join(", ")} did not come through as you wrote ${missing.length > 1 ? "them" : "it"}.` : "");
  }

  dropPreview() {
    this.preview.hidden = true;
    this.draft.keep({ preview: null });
  }

  async submit() {
    if (this.busy || this.isOver || !this.text.value.trim()) return;
    const { preview } = this.draft;
    const body = {
      key: this.draft.key,
      text: this.text.value,
      target: this.language,
      as_written: this.asWritten.checked,
      preview: preview && !this.asWritten.checked ? { token: preview.token, translated: preview.text, text: preview.edited } : null,
    };
    this.draft.keep({ text: this.text.value });
    await this.during("Sending…", async () => {
      await post(this.form.dataset.send, body);
      this.draft.begin();
      this.text.value = "";
      this.dropPreview();
      this.say("On its way: see the conversation.");
    });
    this.text.focus();
  }

  async during(words, action) {
    this.busy = true;
    this.fail("");
    this.say(words);
    this.refresh();
    try {
      await action();
    } catch (error) {
      this.say("");
      this.failed(error, words);
    }
    this.busy = false;
    this.refresh();
  }

  failed(error, doing) {
    if (doing !== "Sending…") return this.fail(error.message);
    if (error.isUnknown) {
      this.draft.keep({ isUnknown: true });
      return this.fail(UNKNOWN);
    }
    const { text, preview } = this.draft;
    // It was not sent with this key, or something else was: what is sent next is another reply.
    // Not while an earlier sending may still arrive: then it is the same one.
    if (error.wasSent || !this.draft.isUnknown) this.draft.begin(text);
    if (error.status !== 409) this.draft.keep({ preview });
    else if (preview) this.dropPreview();
    return this.fail(error.message);
  }

  // A reply that was not delivered, to be written again.
  take(text) {
    if (this.text.value.trim() && this.text.value !== text) {
      this.fail("There is a text in the box already: send it, or empty the box first.");
    } else {
      this.draft.begin(text);
      this.text.value = text;
      this.dropPreview();
      this.say("");
    }
    this.text.focus();
  }

  say(words) {
    setText(this.status, words);
  }

  fail(words) {
    this.error.hidden = !words;
    setText(this.error, words);
  }
}
