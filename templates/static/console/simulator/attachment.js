// The file that the guest has picked: it stays in the composer until the platform has it, so that
// whatever fails may be tried again.

import { setText } from "../elements.js";
import { prepared, problemOf, readAs } from "./files.js";

const PREVIEW_BYTES = 2 ** 20;
const UPLOADED = 0.5; // of the bar: half of the way is to the console, half to the platform

const $ = (id) => document.getElementById(id);

// `send` puts an action on the socket, false when it is shut; `onPicked` is called when a file may
// be sent; `onProblem` gets words and the ref that they are about, or nothing when there is none any
// more; `onArrived` the ref, the caption and the file of a message that the platform has.
export class Attachment {
  #picked = null; // { file, preview }
  #sending = null; // { ref, caption }
  #hasFailed = false;

  constructor({ address, token, send, onPicked, onProblem, onArrived }) {
    Object.assign(this, { address, token, send, onPicked, onProblem, onArrived });
    this.looked = Promise.resolve(); // whoever sends waits until the file has been looked at
  }

  get isPicked() {
    return this.#picked !== null;
  }

  pick(file) {
    if (!file || this.#sending) return;
    this.looked = this.#look(file).catch((error) => {
      this.onProblem(`This file cannot be read: ${error.message}.`);
    });
  }

  async #look(file) {
    this.onProblem();
    const problem = await problemOf(file);
    const hasPreview = !problem && file.type.startsWith("image/") && file.size < PREVIEW_BYTES;
    const preview = hasPreview ? await readAs(file, "readAsDataURL") : "";
    if (this.#sending) return; // the one before was sent meanwhile
    this.#picked = problem ? null : { file, preview };
    this.#hasFailed = false;
    this.#show();
    if (problem) this.onProblem(problem);
    else this.onPicked();
  }

  drop() {
    this.#picked = this.#sending = null;
    this.#hasFailed = false;
    this.onProblem();
    this.#show();
  }

  async start(caption, ref) {
    if (!this.#picked || this.#sending) return;
    const { file } = this.#picked;
    this.#sending = { ref, caption };
    this.#hasFailed = false;
    this.#showProgress(0);
    this.#show();
    try {
      const onProgress = (part) => this.#showProgress(part * UPLOADED);
      const action = await prepared(file, { address: this.address, token: this.token, onProgress });
      if (this.#sending?.ref !== ref) return; // given up meanwhile
      if (!this.send({ action: "upload", ...action, caption, ref })) throw new Error("the connection broke");
    } catch (error) {
      this.failed(ref, `The file was not sent: ${error.message}.`);
    }
  }

  uploaded({ ref, sent, size }) {
    if (this.#sending?.ref === ref) this.#showProgress(UPLOADED + (1 - UPLOADED) * (sent / size));
  }

  // The platform's side has a message: when it is ours, the composer is free again.
  progressed(ref) {
    if (this.#sending?.ref !== ref) return;
    const { caption } = this.#sending;
    const { file: { name, type, size }, preview } = this.#picked;
    this.drop();
    this.onArrived(ref, caption, { name, content_type: type, size, preview });
  }

  failed(ref, problem = "") {
    if (this.#sending?.ref !== ref) return;
    this.#sending = null;
    this.#hasFailed = true;
    this.#show();
    if (problem) this.onProblem(problem, ref);
  }

  lineBroke() {
    if (this.#sending) this.failed(this.#sending.ref, "The connection broke before the file had arrived.");
  }

  #show() {
    $("picked").hidden = !this.#picked;
    if (!this.#picked) return;
    const { file, preview } = this.#picked;
    setText($("picked-name"), file.name);
    $("picked-picture").hidden = !preview;
    if (preview) $("picked-picture").src = preview;
    $("picked-progress").hidden = !this.#sending;
    $("picked-again").hidden = !this.#hasFailed;
  }

  #showProgress(part) {
    $("picked-progress").value = part;
  }
}

// Files come from the button, by dropping them anywhere on the guest's side, and from the clipboard.
export function takeFiles({ side, field, button, pick }) {
  button.addEventListener("change", (event) => {
    pick(event.target.files[0]);
    event.target.value = "";
  });
  for (const name of ["dragenter", "dragover"]) {
    side.addEventListener(name, (event) => {
      event.preventDefault();
      side.classList.add("dropping");
    });
  }
  side.addEventListener("dragleave", (event) => {
    if (!side.contains(event.relatedTarget)) side.classList.remove("dropping");
  });
  side.addEventListener("drop", (event) => {
    event.preventDefault();
    side.classList.remove("dropping");
    pick(event.dataTransfer.files[0]);
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => event.preventDefault());
  field.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files?.[0];
    if (!file) return;
    event.preventDefault();
    pick(file);
  });
}
