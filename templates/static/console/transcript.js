// Shows the store's rows as bubbles, once a frame however much has happened, and keeps the place
// of whoever reads: at the end they follow it, elsewhere nothing moves under their eyes.

import { Bubble } from "./bubble.js";
import { element } from "./elements.js";
import { day, gap } from "./words.js";

const NEAR_END_PX = 60;
const NEAR_EDGE_PX = 600; // more is fetched before the reader comes to the edge

export class Transcript {
  constructor({ scroller, list, store, context, onMove, onShown }) {
    Object.assign(this, { scroller, list, store, context, onMove, onShown });
    this.bubbles = new Map(); // message id → Bubble
    this.follows = true;
    this.anchor = null; // what the reader reads, and how far below the upper edge it stands
    this.isScheduled = false;
    this.lastTop = 0;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    const watcher = new ResizeObserver(() => this.keepPlace());
    watcher.observe(list);
    watcher.observe(scroller);
  }

  // Data may change at any rate; the page changes once a frame, and not while nobody sees it.
  show() {
    if (this.isScheduled) return;
    this.isScheduled = true;
    requestAnimationFrame(() => {
      this.isScheduled = false;
      this.render();
    });
  }

  render() {
    if (!this.follows && !this.anchor?.node.isConnected) this.anchor = this.findAnchor();
    const wanted = new Set();
    let place = this.list.firstChild;
    let before = null;
    for (const row of this.store.rows) {
      const bubble = this.bubbleOf(row);
      separate(bubble, before);
      for (const node of bubble.line ? [bubble.line, bubble.node] : [bubble.node]) {
        if (node === place) place = place.nextSibling;
        else this.list.insertBefore(node, place);
        wanted.add(node);
      }
      before = row;
    }
    for (const node of [...this.list.childNodes]) if (!wanted.has(node)) node.remove();
    for (const [id] of this.bubbles) if (!this.store.has(id)) this.bubbles.delete(id);
    this.keepPlace();
    this.onShown();
    this.onMove(this.edges());
  }

  bubbleOf(row) {
    const known = this.bubbles.get(row.id);
    if (!known) {
      const made = new Bubble(row, this.context);
      this.bubbles.set(row.id, made);
      return made;
    }
    if (known.row !== row) known.update(row);
    return known;
  }

  // --- the reader's place ---

  scrolled() {
    const top = this.scroller.scrollTop;
    const isAtEnd = this.isAtEnd();
    // Only the reader moves up; growth below or above never does.
    if (this.follows && top < this.lastTop && !isAtEnd) this.follows = false;
    else if (!this.follows && isAtEnd && this.store.isAtEnd) {
      this.follows = true;
      this.store.trim(true);
      this.show();
    }
    this.lastTop = top;
    this.anchor = this.follows ? null : this.findAnchor();
    this.onMove(this.edges());
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }

  edges() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return {
      isNearStart: scrollTop < NEAR_EDGE_PX,
      isNearEnd: scrollHeight - scrollTop - clientHeight < NEAR_EDGE_PX,
    };
  }

  keepPlace() {
    if (this.follows) this.move(this.scroller.scrollHeight);
    else if (this.anchor?.node.isConnected) {
      const moved = this.offsetOf(this.anchor.node) - this.anchor.offset;
      if (Math.abs(moved) >= 1) this.move(this.scroller.scrollTop + moved);
    } else this.anchor = this.findAnchor();
  }

  move(top) {
    this.scroller.scrollTop = top;
    this.lastTop = this.scroller.scrollTop;
  }

  offsetOf(node) {
    return node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
  }

  // The first bubble that is (partly) in sight.
  findAnchor() {
    const nodes = this.list.children;
    const edge = this.scroller.getBoundingClientRect().top + this.scroller.clientTop;
    let [low, high] = [0, nodes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nodes[middle].getBoundingClientRect().bottom <= edge) low = middle + 1;
      else high = middle;
    }
    let node = nodes[low];
    if (node?.classList.contains("day")) node = node.nextElementSibling;
    return node ? { node, offset: this.offsetOf(node) } : null;
  }

  // --- going somewhere ---

  toEnd() {
    this.follows = true;
    this.anchor = null;
    this.store.trim(true);
    this.show();
    this.keepPlace();
  }

  toStart() {
    this.follows = false;
    this.move(0);
    this.anchor = this.findAnchor();
  }

  // The bubble comes into sight; in the middle unless it is there already.
  reveal(id, block = "center") {
    if (this.isScheduled) this.render();
    const bubble = this.bubbles.get(id);
    if (!bubble) return;
    this.follows = false;
    bubble.node.scrollIntoView({ block });
    this.lastTop = this.scroller.scrollTop;
    this.anchor = this.findAnchor();
  }
}

// A line before the first message of each day, in the viewer's zone, and where nobody spoke for long.
function separate(bubble, before) {
  if (bubble.follows === (before?.id ?? null)) return;
  bubble.follows = before?.id ?? null;
  const date = day(bubble.row.sent_at);
  const isNewDay = !before || day(before.sent_at) !== date;
  const words = isNewDay ? date : gap(before.sent_at, bubble.row.sent_at);
  if ((bubble.line?.textContent ?? "") === words) return;
  bubble.line = words ? element("p", isNewDay ? "day" : "day gap") : null;
  bubble.line?.append(element("span", "", words));
}
