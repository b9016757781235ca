// SPDX-License-Identifier: MIT
// Several gateways and several copies of each service are one system: a request repeated anywhere is
// done once, and a copy that dies takes nothing with it that was promised.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newcomer, random } from './lib/person.mjs';
import { community, letIn } from './lib/place.mjs';
import { listen, resume } from './lib/socket.mjs';
import { control, first, gateways, hasProcess, second } from './lib/stack.mjs';
import { assertNothingLost, history, Talkers } from './lib/talkers.mjs';
import { sleep, until } from './lib/wait.mjs';

test('the same nonce at two gateways at once is one message', async () => {
  const { owner, channel } = await community({ guests: 0 });
  const hears = await listen(owner);
  for (let i = 0; i < 30; i++) {
    const fields = { content: `once ${i}`, nonce: random(16) };
    const answers = await Promise.all([...gateways, ...gateways].map((base) => owner.at(base).send(channel, fields.content, fields)));
    assert.equal(new Set(answers.map((it) => it.id)).size, 1, `round ${i}`);
  }
  assert.equal((await history(owner, channel)).length, 30);
  await until('all heard', () => hears.cursors[channel.id] === 30);
  assert.equal(hears.events.filter((it) => it.t === 'message.create').length, 30);
});

test('an Idempotency-Key gives the first answer again, anywhere, to its owner only', async () => {
  const [ann, ben] = [await newcomer(), await newcomer()];
  const headers = { 'idempotency-key': random(20) };
  const make = (who, name) => who.call('POST', '/servers', { name }, { headers });
  const answers = await Promise.all([make(ann, 'one'), make(ann.at(second), 'one'), make(ann, 'one')]);
  const made = answers.filter((it) => it.status === 201);
  assert.ok(made.length >= 1);
  assert.equal(new Set(made.map((it) => it.body.id)).size, 1);
  assert.equal((await make(ann.at(second), 'one')).body.id, made[0].body.id);
  assert.notEqual((await make(ben, 'one')).body.id, made[0].body.id);
  assert.equal((await ann.get('/servers')).length, 1);
  const other = await ann.call('POST', `/servers/${made[0].body.id}/roles`, { name: 'role' }, { headers });
  assert.equal(other.status, 422);
});

test('many at once get dense numbers, whichever gateway and copy', async () => {
  const { owner, channel, guests } = await community({ guests: 3 });
  const sockets = [await listen(owner, first), await listen(guests[0], second)];
  const people = [owner, ...guests];
  const sent = await Promise.all(Array.from({ length: 200 }, (_, i) =>
    people[i % 4].at(gateways[i % gateways.length]).send(channel, `line ${i}`)));
  assert.deepEqual(sent.map((it) => it.seq).sort((a, b) => a - b), Array.from({ length: 200 }, (_, i) => i + 1));
  for (const socket of sockets) {
    await until('all heard', () => socket.cursors[channel.id] === 200);
    assert.deepEqual(socket.events.filter((it) => it.t === 'message.create').map((it) => it.d.seq), Array.from({ length: 200 }, (_, i) => i + 1));
    assert.equal(socket.disorder ?? socket.jumps, undefined);
  }
});

test('members join, a role is given and a channel made at one gateway while the other listens', async () => {
  const { owner, server } = await community({ base: first });
  const hears = await listen(owner, second);
  for (let i = 0; i < 5; i++) {
    const guest = await newcomer(second);
    await letIn(owner, server, guest);
    await hears.event('member.create', (d) => d.user.id === guest.id);
  }
  assert.equal((await owner.at(second).get(`/servers/${server.id}`)).member_count, 7);
});

for (const name of ['messaging-1', 'auth-1', 'messaging-2', 'moderation-1', 'presence-1']) {
  test(`kill -9 of ${name} in the middle loses nothing that was acknowledged`, { skip: !hasProcess(name.replace('1', '2')) }, async () => {
    const { owner, channel, guests } = await community({ guests: 3 });
    const sockets = [await listen(owner, first), await listen(guests[0], second)];
    const talkers = new Talkers([owner, ...guests], channel);
    try {
      await sleep(500);
      await control('kill', name);
      await sleep(1000);
      await control('start', name);
      await sleep(500);
    } finally {
      await talkers.stop();
    }
    assert.ok(talkers.acknowledged.length > 50);
    await assertNothingLost(talkers, owner, sockets);
  });
}

test('kill -9 of a gateway: its clients go on at another and miss nothing', { skip: gateways.length < 2 }, async () => {
  const { owner, channel, guests } = await community({ guests: 3 });
  const stays = await listen(owner, first);
  const lost = await listen(guests[0], second);
  const talkers = new Talkers([owner, ...guests], channel);
  let back;
  try {
    await sleep(500);
    await control('kill', 'gateway-2');
    await lost.closed;
    back = await resume(guests[0], lost, first);
    await sleep(500);
  } finally {
    await control('start', 'gateway-2');
    await talkers.stop();
  }
  assert.equal(back.resumed.op, 'resumed');
  back.events.unshift(...lost.events);
  await assertNothingLost(talkers, owner, [stays, back]);
});
