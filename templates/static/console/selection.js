// Which message is selected: by pointer, by keyboard, by the address (#m12).

const OWN_KEYS = "a, button, summary, input, select, textarea, [contenteditable]";

export class Selection {
  // `onSelect(id)`, null for none; `onNeeded(id)` where a message is not on the page.
  constructor({ list, scroller, store, transcript, onSelect, onNeeded, onEdge }) {
    Object.assign(this, { list, scroller, store, transcript, onSelect, onNeeded, onEdge });
    this.id = null;
    list.addEventListener("click", (event) => this.clicked(event));
    scroller.addEventListener("keydown", (event) => this.pressed(event));
    addEventListener("hashchange", () => this.fromAddress());
  }

  fromAddress() {
    const id = Number(/^#m(\d{1,18})$/.exec(location.hash)?.[1] ?? NaN);
    if (!Number.isFinite(id)) {
      if (this.id !== null) this.select(null);
      return;
    }
    if (id === this.id) return;
    if (!this.store.has(id)) {
      this.onNeeded(id);
      return;
    }
    this.select(id);
    this.transcript.reveal(id);
  }

  clicked(event) {
    const bubble = event.target.closest(".bubble");
    if (!bubble || event.target.closest("a, summary") || getSelection().toString()) return;
    this.select(Number(bubble.dataset.id));
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.id !== null) {
      this.select(null);
      this.scroller.focus();
      return;
    }
    if (event.target.closest(OWN_KEYS)) return;
    const steps = { ArrowUp: -1, k: -1, ArrowDown: 1, j: 1 };
    if (event.key in steps) this.move(steps[event.key]);
    else if (event.key === "Home") this.onEdge("first");
    else if (event.key === "End") this.onEdge("last");
    else return;
    event.preventDefault();
  }

  // From the selected message; without one, from the last that is in sight.
  move(step) {
    const { rows } = this.store;
    const selected = this.store.byId.get(this.id);
    const at = selected ? this.store.indexOf(selected.seq) + step : this.lastInSight();
    const row = rows[Math.min(rows.length - 1, Math.max(0, at))];
    if (!row) return;
    this.select(row.id);
    const isLast = row === rows.at(-1) && this.store.isAtEnd;
    if (isLast) this.transcript.toEnd();
    else this.transcript.reveal(row.id, "nearest");
    this.transcript.bubbles.get(row.id)?.node.focus({ preventScroll: true });
  }

  lastInSight() {
    const edge = this.scroller.getBoundingClientRect().bottom;
    const { rows } = this.store;
    for (let at = rows.length - 1; at >= 0; at -= 1) {
      const node = this.transcript.bubbles.get(rows[at].id)?.node;
      if (node?.isConnected && node.getBoundingClientRect().top < edge - 20) return at;
    }
    return 0;
  }

  select(id) {
    if (id === this.id) return;
    this.id = id;
    this.mark();
    history.replaceState(null, "", id === null ? location.pathname + location.search : `#m${id}`);
    this.onSelect(id);
  }

  // Bubbles come and go with the window: the selected one is marked whenever it is there.
  mark() {
    const node = this.id === null ? null : this.transcript.bubbles.get(this.id)?.node;
    if (node === this.marked && (!node || node.classList.contains("selected"))) return;
    this.marked?.classList.remove("selected");
    this.marked?.removeAttribute("aria-current");
    this.marked = node ?? null;
    node?.classList.add("selected");
    node?.setAttribute("aria-current", "true");
  }
}
