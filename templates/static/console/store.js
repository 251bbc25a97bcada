// What the page holds of a conversation: an unbroken run of its messages, and how many come before
// and after. Bounded, whatever the number of events. No DOM.

export const KEPT = 200; // while the reader follows the end: what a fresh page shows
export const MAX_ROWS = 300; // while the reader is elsewhere

export class Store {
  constructor() {
    this.rows = []; // by seq
    this.byId = new Map();
    this.older = 0;
    this.newer = 0;
    this.newest = 0; // seq of the last message that the page has heard of
    this.isStale = false; // the rows may be out of date: they are to be read again
    this.listeners = new Set(); // what is heard while a page is being read
  }

  get isAtEnd() {
    return this.newer === 0;
  }

  has(id) {
    return this.byId.has(id);
  }

  // The newest of a snapshot; or, for somebody who reads further up, the part that they have.
  // Returns how many are new to the page. `isStale`: the snapshot does not reach that far up.
  start(frame, follows) {
    const { rows } = frame;
    for (const row of rows) this.hear(row, frame.seq);
    const heard = this.newest;
    const fresh = heard ? rows.filter((row) => row.seq > heard).length : 0;
    this.newest = Math.max(heard, rows.at(-1)?.seq ?? 0);
    if (follows || !this.rows.length) {
      this.isStale = false;
      this.set(rows.slice(-KEPT));
      this.older = frame.older + rows.length - this.rows.length;
      this.newer = 0;
      return fresh;
    }
    const { seq } = this.rows[0];
    this.isStale = frame.older > 0 && rows[0].seq > seq;
    if (this.isStale) return fresh;
    const from = rows.findIndex((row) => row.seq >= seq);
    const rest = from < 0 ? [] : rows.slice(from);
    this.set(rest.slice(0, MAX_ROWS));
    this.older = frame.older + Math.max(0, from);
    this.newer = rest.length - this.rows.length;
    return fresh;
  }

  // One row that the socket brought; true if its message is new to the page.
  put(row, journalSeq, follows) {
    this.hear(row, journalSeq);
    const isLast = row.seq > this.newest;
    this.newest = Math.max(this.newest, row.seq);
    if (this.byId.has(row.id)) {
      this.rows[this.indexOf(row.seq)] = row;
      this.byId.set(row.id, row);
      return false;
    }
    if (isLast && !this.isAtEnd) {
      this.newer += 1;
      return true;
    }
    // Events come in the order of what happened last: a message may come after a later one.
    if (!isLast && !this.isInside(row.seq)) return false;
    this.rows.splice(this.indexOf(row.seq), 0, row);
    this.byId.set(row.id, row);
    this.trim(follows);
    return true;
  }

  // Whether a message at `seq` belongs to the run that is held, which is unbroken.
  isInside(seq) {
    const reachesUp = this.older === 0 || seq > this.rows[0]?.seq;
    const reachesDown = this.newer === 0 || seq < this.rows.at(-1)?.seq;
    return reachesUp && reachesDown;
  }

  // Follows the end: the oldest go. Reads further up: what has just come waits behind the end.
  trim(follows) {
    if (follows) this.dropFirst(this.rows.length - KEPT);
    else this.dropLast(this.rows.length - MAX_ROWS);
  }

  dropFirst(count) {
    if (count <= 0) return;
    for (const row of this.rows.splice(0, count)) this.byId.delete(row.id);
    this.older += count;
  }

  dropLast(count) {
    if (count <= 0) return;
    for (const row of this.rows.splice(-count)) this.byId.delete(row.id);
    this.newer += count;
  }

  // Call before a page is asked for, and give the answer to the method that takes the page in: what
  // the socket brings meanwhile may be newer than the page, and the run may end elsewhere.
  listen() {
    const heard = { rows: new Map(), ...this.ends() };
    this.listeners.add(heard);
    return heard;
  }

  hear(row, journalSeq) {
    for (const heard of this.listeners) heard.rows.set(row.id, { row, journalSeq });
  }

  ends() {
    return { first: this.rows[0]?.seq, last: this.rows.at(-1)?.seq };
  }

  forget(heard) {
    this.listeners.delete(heard);
  }

  // What does not adjoin the run any more is left out: it is asked for again.
  takeOlder(found, heard) {
    const rows = this.current(found, heard);
    if (this.ends().first !== heard.first) return;
    this.set([...rows, ...this.rows]);
    this.older = found.older;
    this.dropLast(this.rows.length - MAX_ROWS);
  }

  takeNewer(found, heard) {
    const rows = this.current(found, heard);
    if (this.ends().last !== heard.last) return;
    this.set([...this.rows, ...rows]);
    this.newer = found.newer;
    this.addHeard(heard);
    this.dropFirst(this.rows.length - MAX_ROWS);
  }

  takeInstead(found, heard) {
    this.isStale = false;
    this.set(this.current(found, heard));
    this.older = found.older;
    this.newer = found.newer;
    this.addHeard(heard);
    this.dropFirst(this.rows.length - MAX_ROWS);
  }

  // Of a page that ends with the last message, what has come since is what comes next.
  addHeard(heard) {
    this.newest = Math.max(this.newest, this.rows.at(-1)?.seq ?? 0);
    if (this.newer) return;
    const last = this.rows.at(-1)?.seq ?? 0;
    const since = [...heard.rows.values()].map(({ row }) => row).filter((row) => row.seq > last);
    since.sort((a, b) => a.seq - b.seq);
    this.set([...this.rows, ...since]);
  }

  current(found, heard) {
    this.forget(heard);
    return found.rows.map((row) => {
      const newer = heard.rows.get(row.id);
      return newer && newer.journalSeq > found.seq ? newer.row : row;
    });
  }

  set(rows) {
    this.rows = rows;
    this.byId = new Map(rows.map((row) => [row.id, row]));
  }

  indexOf(seq) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
