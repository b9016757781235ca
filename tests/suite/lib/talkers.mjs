// SPDX-License-Identifier: MIT
// People who go on talking whatever happens: each message is repeated under its nonce, here or at
// another gateway, until it is acknowledged. What was acknowledged must be there afterwards, once.

import assert from 'node:assert/strict';
import { random } from './person.mjs';
import { gateways } from './stack.mjs';
import { sleep, until } from './wait.mjs';

export class Talkers {
  /** Begins at once. `people` talk in `channel`, in turns at all gateways. */
  constructor(people, channel, { pauseMs = 5 } = {}) {
    this.channel = channel;
    this.acknowledged = [];
    this.refusals = [];
    this.isOver = false;
    this.all = Promise.all(people.map((person, i) => this.talk(person, i, pauseMs)));
  }

  async talk(person, number, pauseMs) {
    for (let line = 0; !this.isOver; line++) {
      this.acknowledged.push(await this.say(person, number, `${number}:${line}`));
      await sleep(pauseMs);
    }
  }

  async say(person, number, content) {
    const nonce = random(16);
    for (let attempt = number; ; attempt++) {
      const at = person.at(gateways[attempt % gateways.length]);
      const given = await at.call('POST', `/channels/${this.channel.id}/messages`, { content, nonce }).catch(() => ({ status: 0 }));
      if (given.status === 201) return given.body;
      assert.ok(given.status === 0 || given.status >= 500, `${given.status} ${given.text}`);
      this.refusals.push(given.status);
      await sleep(50);
    }
  }

  /** Everybody finishes the line they are at. */
  async stop() {
    this.isOver = true;
    await this.all;
    return this.acknowledged;
  }
}

/** All messages of the channel, oldest first. */
export async function history(person, channel) {
  const messages = [];
  for (let after = 0; ;) {
    const page = await person.get(`/channels/${channel.id}/sync?after=${after}&limit=100`);
    messages.push(...page.messages);
    if (!page.has_more) return messages;
    after = page.messages.at(-1).rev;
  }
}

/** Acknowledged means there: once, in dense order, and heard by every listener exactly so. */
export async function assertNothingLost(talkers, person, sockets) {
  const stored = await history(person, talkers.channel);
  const byId = new Map(stored.map((it) => [it.id, it]));
  for (const message of talkers.acknowledged) {
    assert.equal(byId.get(message.id)?.content, message.content, `${message.content} was acknowledged and is lost`);
  }
  const contents = stored.map((it) => it.content);
  assert.equal(new Set(contents).size, contents.length, 'a line is there twice');
  assert.deepEqual(stored.map((it) => it.seq), stored.map((_, i) => i + 1), 'numbers are dense');
  for (const socket of sockets) {
    await until('everything heard', () => socket.cursors[talkers.channel.id] === stored.length, 15000);
    const heard = socket.events.filter((it) => it.t === 'message.create' && it.d.channel_id === talkers.channel.id);
    assert.deepEqual(heard.map((it) => it.d.id), stored.map((it) => it.id), 'heard in order, once');
    assert.equal(socket.disorder, undefined);
  }
}
