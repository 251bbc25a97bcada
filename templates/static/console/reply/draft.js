// What is being written, kept in this tab until the console has it: it survives a reload, not the
// tab. With its key: a reply that is sent again with the same key is delivered once.

export class Draft {
  constructor(name) {
    this.name = name;
    this.kept = read(name) ?? fresh();
  }

  get text() { return this.kept.text; }
  get key() { return this.kept.key; }
  get asWritten() { return this.kept.asWritten; }
  get preview() { return this.kept.preview; }
  get isUnknown() { return this.kept.isUnknown; } // it was sent, and nobody has answered

  keep(changes) {
    Object.assign(this.kept, changes);
    try {
      if (this.kept.text || this.kept.isUnknown) sessionStorage.setItem(this.name, JSON.stringify(this.kept));
      else sessionStorage.removeItem(this.name);
    } catch {
      // No room, or storage is off: the text is on the page all the same.
    }
  }

  // Another reply; `text` is what it begins with.
  begin(text = "") {
    this.kept = { ...fresh(), asWritten: this.kept.asWritten };
    this.keep({ text });
  }
}

function fresh() {
  return { text: "", key: newKey(), asWritten: false, preview: null, isUnknown: false };
}

// `crypto.randomUUID` is for pages over HTTPS alone.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function read(name) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(name) ?? "null");
    return kept && typeof kept.text === "string" && typeof kept.key === "string" ? { ...fresh(), ...kept } : null;
  } catch {
    return null;
  }
}
