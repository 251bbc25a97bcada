// DOM by textContent alone: nothing that a guest writes is ever parsed as markup.

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

export function setSpoken(node, said) {
  setText(node, said?.text ?? "");
  if (node.lang !== (said?.language ?? "")) node.lang = said?.language ?? "";
}
