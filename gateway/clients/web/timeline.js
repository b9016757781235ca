// SPDX-License-Identifier: MIT
// The messages of one channel that this page has, without a gap: from some message on up to the
// latest. Every message carries the number of its last change (rev), so it does not matter in
// which order pages, events and answers arrive: the higher number wins and a deletion stays.

function bySeq(a, b) {
  return a.seq - b.seq;
}

export class Timeline {
  messages = []; // oldest first
  pending = []; // sent by us, not confirmed: {nonce, content, ...}
  isLoaded = false;
  hasOlder = true;
  #gone = new Set();

  get oldest() {
    return this.messages[0];
  }

  get latest() {
    return this.messages.at(-1);
  }

  find(id) {
    return this.messages.find((m) => m.id === id);
  }

  /** A page of history, newest first; what lies before its end is there as well or not at all. */
  putPage(page, size) {
    this.isLoaded = true;
    this.hasOlder = page.length === size;
    for (const message of page) this.#place(message);
    this.messages.sort(bySeq);
  }

  /** A message as it is now. True when it is new here. */
  put(message) {
    if (message.deleted_at) {
      this.remove(message.id);
      return false;
    }
    if (this.#isBeforeWindow(message)) return false;
    const isNew = this.#place(message);
    this.messages.sort(bySeq);
    return isNew;
  }

  remove(id) {
    this.#gone.add(id);
    this.messages = this.messages.filter((m) => m.id !== id);
    for (const message of this.messages) {
      if (message.referenced?.id === id) message.referenced.content = null;
    }
  }

  settle(nonce) {
    this.pending = this.pending.filter((p) => p.nonce !== nonce);
  }

  #isBeforeWindow(message) {
    return this.isLoaded && this.hasOlder && this.oldest && message.seq < this.oldest.seq;
  }

  #place(message) {
    if (this.#gone.has(message.id)) return false;
    if (message.nonce) this.settle(message.nonce);
    const at = this.messages.findIndex((m) => m.id === message.id);
    if (at < 0) {
      this.messages.push(message);
      return true;
    }
    if (message.rev > this.messages[at].rev) this.messages[at] = message;
    return false;
  }
}
