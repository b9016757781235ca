// SPDX-License-Identifier: MIT
// Sending messages: they show at once and are confirmed later, by the answer or by the event,
// whichever comes first. One channel's messages are sent one after another, so they keep their
// order. A nonce makes repeating harmless: the server answers as it did the first time.

import { Timeline } from './timeline.js';

export class Outbox {
  #api;
  #store;
  #queues = new Map(); // channel id -> the end of what is under way

  constructor(api, store) {
    this.#api = api;
    this.#store = store;
  }

  /** draft: {content, reply_to, files}, files as the upload answered. */
  send(channelId, draft) {
    const store = this.#store;
    if (!store.timelines.has(channelId)) store.timelines.set(channelId, new Timeline(store.me.id));
    const pending = {
      nonce: crypto.randomUUID(),
      channel_id: channelId,
      author: store.me,
      created_at: new Date().toISOString(),
      problem: null,
      ...draft,
    };
    store.timelines.get(channelId).pending.push(pending);
    this.#enqueue(pending);
  }

  retry(pending) {
    pending.problem = null;
    this.#enqueue(pending);
  }

  discard(pending) {
    this.#store.timelines.get(pending.channel_id)?.settle(pending.nonce);
    this.#store.changed('messages');
  }

  /** The connection is back: what failed for want of one goes out now. */
  retryAll() {
    for (const timeline of this.#store.timelines.values()) {
      for (const pending of timeline.pending) {
        if (pending.problem?.isPassing) this.retry(pending);
      }
    }
  }

  #enqueue(pending) {
    this.#store.changed('messages');
    const before = this.#queues.get(pending.channel_id) ?? Promise.resolve();
    const sent = before.then(() => this.#post(pending));
    this.#queues.set(pending.channel_id, sent);
  }

  async #post(pending) {
    const { channel_id: id, nonce, content, reply_to, files } = pending;
    const attachments = files.map(({ token }) => ({ token }));
    try {
      const message = await this.#api.post(`/channels/${id}/messages`, {
        nonce,
        content,
        ...(reply_to && { reply_to: reply_to.id }),
        ...(attachments.length > 0 && { attachments }),
      });
      this.#store.timelines.get(id)?.put({ ...message, nonce });
    } catch (error) {
      pending.problem = error;
    }
    this.#store.changed('messages');
  }
}
