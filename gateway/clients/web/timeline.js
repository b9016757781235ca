// SPDX-License-Identifier: MIT
// The messages of one channel that this page has, without a gap: from some message on up to the
// latest. Every message carries the number of its last change (rev), so it does not matter in
// which order pages, events and answers arrive: the higher number wins and a deletion stays.
//
// Events do not tell all of a message: which reactions are one's own, or anything but a reaction.
// So what is heard while an answer is under way is applied once more to what that brings.

import { withChange, withOwn } from './reactions.js';

function bySeq(a, b) {
  return a.seq - b.seq;
}

export class Timeline {
  messages = []; // oldest first
  pending = []; // sent by us, not confirmed: {nonce, content, ...}
  isLoaded = false;
  hasOlder = true;
  #myId;
  #gone = new Set();
  #underWay = 0; // answers
  #heard = []; // meanwhile: {id, rev, apply: message => message}

  constructor(myId) {
    this.#myId = myId;
  }

  get oldest() {
    return this.messages[0];
  }

  get latest() {
    return this.messages.at(-1);
  }

  find(id) {
    return this.messages.find((m) => m.id === id);
  }

  /** Around asking for messages and putting them here. */
  async during(exchange) {
    this.#underWay += 1;
    try {
      return await exchange();
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#heard = [];
    }
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

  /** A message as an event tells it. */
  hear(message) {
    const apply = (known) => withOwn(message, known, this.#myId);
    this.#note({ id: message.id, rev: message.rev, apply });
    return this.put(apply(this.find(message.id)));
  }

  /** A reaction.* event. */
  hearReaction(d, isAdded) {
    const apply = (message) => withChange(message, d, isAdded, this.#myId);
    this.#note({ id: d.message_id, rev: d.rev, apply });
    const known = this.find(d.message_id);
    if (known && d.rev > known.rev) this.#place(apply(known));
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

  #note(change) {
    if (this.#underWay > 0) this.#heard.push(change);
  }

  #isBeforeWindow(message) {
    return this.isLoaded && this.hasOlder && this.oldest && message.seq < this.oldest.seq;
  }

  #place(message) {
    if (this.#gone.has(message.id)) return false;
    if (message.nonce) this.settle(message.nonce);
    const now = this.#heard
      .filter((change) => change.id === message.id)
      .reduce((sofar, change) => (change.rev > sofar.rev ? change.apply(sofar) : sofar), message);
    const at = this.messages.findIndex((m) => m.id === message.id);
    if (at < 0) {
      this.messages.push(now);
      return true;
    }
    if (now.rev >= this.messages[at].rev) this.messages[at] = now;
    return false;
  }
}
