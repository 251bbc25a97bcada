// What a text has in it that nobody sees: characters that turn its direction or have no shape.
// They are named beside the text and never taken out: what is shown and copied is what was said.
// Joiners and direction marks are no such thing: Persian, emoji and Hebrew are written with them.
// The same list in Python: conversations/hidden.py.

const HIDDEN = new RegExp(
  "[\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u115f\\u1160\\u17b4\\u17b5"
  + "\\u180e\\u200b\\u2028-\\u202e\\u2060-\\u206f\\u2400\\u3164\\ufdd0-\\ufdef\\ufeff\\uffa0\\ufff0-\\ufffb"
  + "\\ufffd-\\uffff\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{1fffe}\\u{1ffff}\\u{e0001}\\u{10fffe}\\u{10ffff}]",
  "gu",
);
const NAMED_AT_MOST = 4;

// "U+202E U+200B", or "" where there is nothing hidden.
export function hiddenIn(text) {
  const found = [...new Set(text.match(HIDDEN))].map(
    (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
  const more = found.length > NAMED_AT_MOST ? " …" : "";
  return found.slice(0, NAMED_AT_MOST).join(" ") + more;
}
