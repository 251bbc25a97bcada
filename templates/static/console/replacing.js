// Brings one page up to date with a newer copy of itself, touching only what has changed, so that
// the focus, ticked boxes and half-written words stay where they are.
//
// A [data-live] element is replaced child by child where its children have a data-key, else whole.

export class LivePage {
  constructor() {
    this.known = new Map(); // id of a [data-live] element → its parts as the server wrote them
    for (const place of document.querySelectorAll("[data-live]")) this.known.set(place.id, written(place));
  }

  // `page` is a parsed document; returns the elements that are new.
  take(page) {
    const focus = focusNow();
    const fresh = [];
    for (const place of document.querySelectorAll("[data-live]")) {
      const newer = page.getElementById(place.id);
      if (newer) fresh.push(...this.update(place, newer));
    }
    focus.restore();
    return fresh;
  }

  update(place, newer) {
    const before = this.known.get(place.id);
    const now = written(newer);
    this.known.set(place.id, now);
    if (!now.parts.size && !before.parts.size) {
      if (before.whole === now.whole) return [];
      place.replaceChildren(...imported(newer.childNodes));
      return [place];
    }
    const there = new Map([...place.children].map((node) => [node.dataset.key, node]));
    const fresh = [];
    let last = null;
    for (const node of newer.children) {
      const key = node.dataset.key;
      let shown = there.get(key);
      there.delete(key);
      if (!shown || before.parts.get(key) !== now.parts.get(key)) {
        const made = document.importNode(node, true);
        if (shown) {
          keepChoices(shown, made);
          shown.replaceWith(made);
        }
        shown = made;
        fresh.push(made);
      }
      const next = last ? last.nextElementSibling : place.firstElementChild;
      if (next !== shown) place.insertBefore(shown, next);
      last = shown;
    }
    for (const gone of there.values()) gone.remove();
    return fresh;
  }
}

const serializer = new XMLSerializer();
const markup = (node) => serializer.serializeToString(node);

function written(place) {
  const keyed = [...place.children].filter((node) => node.dataset.key);
  return {
    parts: new Map(keyed.map((node) => [node.dataset.key, markup(node)])),
    whole: [...place.childNodes].map(markup).join(""),
  };
}

const imported = (nodes) => [...nodes].map((node) => document.importNode(node, true));

function keepChoices(from, to) {
  for (const box of from.querySelectorAll("input:checked")) {
    const same = to.querySelector(`#${CSS.escape(box.id)}`);
    if (same && same.value === box.value) same.checked = true;
  }
}

// Where the focus goes when its element is replaced: to the same one, else to what came next in
// its list, else to the heading of its section.
function focusNow() {
  const active = document.activeElement;
  const row = active?.closest("[data-live] > [data-key]");
  if (!row) return { restore() {} };
  const { id } = active;
  const list = row.parentElement;
  const place = [...list.children].indexOf(row);
  const heading = row.closest("section")?.querySelector("h2[tabindex]");
  return {
    restore() {
      if (active.isConnected) return;
      const same = id && document.getElementById(id);
      const next = list.children[Math.min(place, list.children.length - 1)];
      (same || next?.querySelector("button, a, input") || heading)?.focus({ preventScroll: Boolean(same) });
    },
  };
}
