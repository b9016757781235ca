// SPDX-License-Identifier: MIT
// Coming back: whatever happened to the connection, a client ends up with exactly what happened.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { community, letIn, newChannel } from './lib/place.mjs';
import { newcomer } from './lib/person.mjs';
import { listen, open, resume } from './lib/socket.mjs';
import { first, gateways, second } from './lib/stack.mjs';
import { until, within } from './lib/wait.mjs';

const contents = (socket) => socket.events.filter((it) => it.t === 'message.create').map((it) => it.d.content);

async function talk(person, channel, from, count) {
  for (let i = from; i < from + count; i++) await person.send(channel, `line ${i}`);
}

const lines = (from, count) => Array.from({ length: count }, (_, i) => `line ${from + i}`);

/** At a gateway that does not know the session; the only one is given an id it does not know. */
const resumeElsewhere = (person, lost) =>
  resume(person, lost, second, gateways.length > 1 ? {} : { session_id: 'from-elsewhere' });

test('on the same gateway a session goes on where it was', async () => {
  const { owner, channel, guest } = await community();
  const before = await listen(guest);
  const witness = await listen(owner);
  await talk(owner, channel, 0, 3);
  await until('three lines', () => contents(before).length === 3);
  await before.drop();
  await talk(owner, channel, 3, 5);
  // A message is answered before it is told.
  await until('all lines to have reached the gateway', () => contents(witness).length === 8);

  const back = await resume(guest, before);
  assert.equal(back.resumed.op, 'resumed');
  assert.equal(back.resumed.d.session_id, before.sessionId);
  assert.ok(back.resumed.d.replayed >= 5);
  await until('five lines', () => contents(back).length === 5);
  await talk(owner, channel, 8, 1);
  await until('another', () => contents(back).length === 6);
  assert.deepEqual(contents(back), lines(3, 6));
  assert.equal(back.disorder ?? back.jumps, undefined);
});

test('on another gateway the cursors bring exactly the rest: new, changed and deleted', async () => {
  const { owner, server, channel, guest } = await community();
  const other = await newChannel(owner, server);
  const before = await listen(guest, first);
  await talk(owner, channel, 0, 2);
  await until('two lines', () => contents(before).length === 2);
  const [{ d: one }, { d: two }] = before.events.filter((it) => it.t === 'message.create');
  await before.drop();
  await talk(owner, channel, 2, 3);
  await owner.patch(`/channels/${channel.id}/messages/${one.id}`, { content: 'line 0, better' });
  await owner.delete(`/channels/${channel.id}/messages/${two.id}`);
  await owner.send(other, 'over here');

  const back = await resumeElsewhere(guest, before);
  assert.equal(back.resumed.op, 'resumed');
  assert.notEqual(back.resumed.d.session_id, before.sessionId);
  await until('both channels in step', () => back.cursors[channel.id] === 7 && back.cursors[other.id] === 1);
  const told = back.events.filter((it) => it.d.channel_id === channel.id);
  assert.deepEqual(told.filter((it) => it.t === 'message.create').map((it) => it.d.content), lines(2, 3));
  assert.equal(told.find((it) => it.t === 'message.update').d.content, 'line 0, better');
  assert.equal(told.find((it) => it.t === 'message.delete').d.id, two.id);
  assert.equal(back.disorder, undefined);
  await talk(owner, channel, 5, 1);
  await back.event('message.create', (d) => d.content === 'line 5');
});

test('a server joined, changed or left meanwhile comes whole or goes', async () => {
  const { owner, server, guest } = await community();
  const elsewhere = await community({ guests: 0 });
  const before = await listen(guest, first);
  await before.drop();
  await owner.patch(`/servers/${server.id}`, { name: 'renamed meanwhile' });
  await letIn(elsewhere.owner, elsewhere.server, guest);
  const back = await resumeElsewhere(guest, before);
  assert.equal(back.resumed.op, 'resumed');
  assert.equal((await back.event('server.create', (d) => d.id === server.id)).name, 'renamed meanwhile');
  await back.event('server.create', (d) => d.id === elsewhere.server.id);
});

test('what cannot be told as a difference is not told by halves', async () => {
  const { owner, channel, guest } = await community();
  const before = await listen(guest, first);
  await before.drop();
  for (let i = 0; i < 1010; i += 101) {
    await Promise.all(Array.from({ length: 101 }, (_, k) => owner.send(channel, `line ${i + k}`)));
  }
  const back = await resumeElsewhere(guest, before);
  assert.equal(back.resumed.op, 'invalid_session');
  back.send({ op: 'identify', d: { token: guest.token } });
  back.begin((await back.next('ready')).d);
  assert.equal(back.cursors[channel.id], 1010);
});

test('a session that was said goodbye to, never was, or is somebody else\'s is not resumed', async () => {
  const { guest } = await community();
  const before = await listen(guest);
  await before.close(1000);
  const back = await resume(guest, { sessionId: before.sessionId, received: before.received });
  assert.equal(back.resumed.op, 'invalid_session');

  const mine = await listen(guest);
  const thief = await newcomer();
  const stolen = await resume(thief, { sessionId: mine.sessionId, received: 0, cursors: mine.cursors });
  assert.ok(stolen.resumed.op === 'invalid_session' || stolen.resumed.d.session_id !== mine.sessionId);
  assert.deepEqual(stolen.events, []);
  assert.equal(mine.isClosed, undefined);
});

test('who says to have received more than was sent gets the whole state', async () => {
  const { server, guest } = await community();
  const before = await listen(guest);
  await before.drop();
  const back = await resume(guest, { sessionId: before.sessionId, received: 1e6, cursors: {} });
  assert.ok(back.resumed.op === 'invalid_session' || back.sessionId !== before.sessionId);
  if (back.resumed.op === 'resumed') await back.event('server.create', (d) => d.id === server.id);
});

test('a second connection that resumes takes the session over', async () => {
  const { owner, channel, guest } = await community();
  const before = await listen(guest);
  const after = await resume(guest, before);
  assert.equal(after.resumed.op, 'resumed');
  assert.equal((await within(3000, 'the close', before.closed)).code, 4000);
  await talk(owner, channel, 0, 1);
  await after.event('message.create');
});

test('back after losing a channel, nothing of it is told', async () => {
  const { owner, server, channel, guest } = await community();
  const before = await listen(guest, first);
  await before.drop();
  await owner.put(`/channels/${channel.id}/overwrites/${server.id}`, { type: 'role', deny: '1024' });
  await owner.send(channel, 'not for you any more');
  for (const base of [first, second]) {
    const back = await resume(guest, before, base);
    if (back.resumed.op === 'resumed') await back.ask('account.get');
    assert.equal(back.has('message.create'), false, base);
  }
});

test('only the families of events that were asked for come, also after a resume, and nothing is missing of them', async () => {
  const { owner, server, channel, guest } = await community();
  const before = await open(first);
  before.send({ op: 'identify', d: { token: guest.token, intents: ['channel', 'typing'] } });
  before.begin((await before.next('ready')).d);
  await talk(owner, channel, 0, 3);
  await owner.post(`/channels/${channel.id}/typing`);
  await before.event('typing.start');
  const one = await newChannel(owner, server);
  await before.event('channel.create', (d) => d.id === one.id);
  assert.deepEqual(contents(before), []);
  await before.drop();
  await talk(owner, channel, 3, 3);

  const back = await resume(guest, before, second, { intents: ['channel', 'typing'] });
  assert.equal(back.resumed.op, 'resumed');
  const two = await newChannel(owner, server);
  await back.event('channel.create', (d) => d.id === two.id);
  assert.deepEqual(contents(back), []);
  await back.drop();

  // Where the session is not known it begins with what this asks for: everything.
  const all = await resume(guest, back, second, { session_id: 'from-elsewhere' });
  await until('all that was said', () => all.cursors[channel.id] === 6);
  await talk(owner, channel, 6, 1);
  await until('the next line', () => contents(all).includes('line 6'));
});

test('a family of events that does not exist closes with 4013', async () => {
  const { guest } = await community();
  for (const intents of [['messages'], 'message', [1], null]) {
    const socket = await open(first);
    socket.send({ op: 'identify', d: { token: guest.token, intents } });
    assert.equal((await socket.closed).code, 4013, JSON.stringify(intents));
  }
});
