// DOM by textContent alone: nothing that a guest writes is ever parsed as markup.

import { hiddenIn } from "./hidden.js";

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

// Untouched where nothing changes, so that a screen reader is not told twice.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// What somebody said. The style sheet keeps it in its box and names what is hidden in it.
export function setSpoken(node, said) {
  const text = said?.text ?? "";
  if (node.dataset.hidden === undefined || node.textContent !== text) node.dataset.hidden = hiddenIn(text);
  setText(node, text);
  if (node.lang !== (said?.language ?? "")) node.lang = said?.language ?? "";
}
