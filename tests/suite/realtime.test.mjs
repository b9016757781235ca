// SPDX-License-Identifier: MIT
// The realtime door: how one gets in, what is refused there, and how one is shown out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkProblem } from './lib/contract.mjs';
import { newcomer, random, signInAgain } from './lib/person.mjs';
import { community } from './lib/place.mjs';
import { listen, open, resume } from './lib/socket.mjs';
import { first, gateways, second, withOwnStack } from './lib/stack.mjs';
import { until, within } from './lib/wait.mjs';

const closeOf = async (socket, ms = 3000) => (await within(ms, 'the close', socket.closed)).code;

test('hello comes first and says how often to send a heartbeat', async () => {
  for (const base of gateways) {
    const socket = await open(base);
    assert.equal(socket.hello.heartbeat_interval, 30000);
    assert.equal(socket.hello.protocol, 1);
    socket.send({ op: 'heartbeat', received: 0 });
    await socket.next('heartbeat_ack');
    socket.close();
  }
});

test('ready holds the whole state, the same as REST tells', async () => {
  const { owner, server, channel, guest } = await community();
  await owner.send(channel, `for <@${guest.id}>`);
  const socket = await listen(guest, second);
  const { ready } = socket;
  assert.deepEqual(ready.user, await guest.get('/users/me'));
  assert.match(ready.resume_url, /^ws:/);
  const [mine] = ready.servers.filter((it) => it.id === server.id);
  assert.deepEqual(mine.channels.map((it) => it.id).sort(), (await guest.get(`/servers/${server.id}/channels`)).map((it) => it.id).sort());
  assert.deepEqual(mine.roles.map((it) => it.id).sort(), (await guest.get(`/servers/${server.id}/roles`)).map((it) => it.id).sort());
  const place = mine.channels.find((it) => it.id === channel.id);
  assert.equal(place.seq, 1);
  const state = ready.read_states.find((it) => it.channel_id === channel.id);
  assert.deepEqual([state.unread, state.mentions], [1, 1]);
  socket.close();
});

test('a token in the address is as good as identify, a wrong one is shown out', async () => {
  const ann = await newcomer();
  const socket = await open(first, `?token=${ann.token}`);
  assert.equal((await socket.next('ready')).d.user.id, ann.id);
  socket.close();
  for (const query of ['?token=nonsense', '?ticket=nonsense']) {
    const stranger = await open(first, query);
    assert.equal(await closeOf(stranger), 4004, query);
  }
  const liar = await open(second);
  liar.send({ op: 'identify', d: { token: `${ann.token}x` } });
  assert.equal(await closeOf(liar), 4004);
});

test('a ticket opens one connection, once, on whichever gateway', async () => {
  const ann = await newcomer();
  const { ticket, expires_in } = await ann.post('/auth/ticket');
  assert.ok(expires_in <= 30);
  const socket = await open(second, `?ticket=${ticket}`);
  assert.equal((await socket.next('ready')).d.user.id, ann.id);
  const again = await open(first, `?ticket=${ticket}`);
  assert.equal(await closeOf(again), 4004);
  const { ticket: contested } = await ann.post('/auth/ticket');
  const both = await Promise.all(gateways.map((base) => open(base, `?ticket=${contested}`)));
  const won = await Promise.all(both.map((it) => Promise.race([it.next('ready').then(() => 1), it.closed.then(() => 0)])));
  assert.equal(won.reduce((a, b) => a + b), 1, 'a ticket opened twice');
});

test('what is no frame of the protocol closes with its code', async () => {
  const ann = await newcomer();
  const cases = [
    ['{"op":"nothing"}', 4001],
    ['not json', 4002],
    ['[]', 4002],
    ['{"no":"op"}', 4002],
    [Buffer.from([1, 2, 3]), 4002],
    ['{"op":"request","id":"1","t":"account.get"}', 4003],
    [JSON.stringify({ op: 'heartbeat', received: 0, pad: 'x'.repeat(70000) }), 1009],
    [`${'{"op":'.repeat(5000)}1${'}'.repeat(5000)}`, 4002],
  ];
  for (const [frame, code] of cases) {
    const socket = await open(first);
    socket.send(frame);
    assert.equal(await closeOf(socket), code, String(frame).slice(0, 40));
  }
  const twice = await listen(ann);
  twice.send({ op: 'identify', d: { token: ann.token } });
  assert.equal(await closeOf(twice), 4005);
});

test('a heartbeat that has received more than was sent ends the session', async () => {
  const socket = await listen(await newcomer());
  socket.send({ op: 'heartbeat', received: 1e6 });
  assert.equal(await closeOf(socket), 4007);
});

test('text that is not UTF-8 closes with 1007', async () => {
  const socket = await open(first);
  socket.ws.send(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), { binary: false });
  assert.equal(await closeOf(socket), 1007);
});

test('a command has the same guard, limits and problems as REST', async () => {
  const { owner, channel, guests: [guest] } = await community();
  const stranger = await listen(await newcomer());
  const socket = await listen(guest, second);

  const denied = await stranger.request('message.create', { channel_id: channel.id, content: 'let me in' });
  assert.ok([403, 404].includes(denied.status));
  assert.ok(denied.d.type.startsWith('/problems/'));
  const wrong = await socket.request('message.create', { channel_id: channel.id, content: 5 });
  assert.equal(wrong.status, 400);
  assert.equal(wrong.d.errors[0].field, 'content');
  assert.equal((await socket.request('no.such.thing')).status, 404);
  assert.equal((await socket.request('messaging.server.view', { server_id: channel.server_id })).status, 404, 'internal calls are not for clients');
  assert.equal((await socket.request('auth.user.get', { user_id: owner.id })).status, 404);

  const sent = await socket.ask('messaging.message.create', { channel_id: channel.id, content: 'by socket' });
  assert.deepEqual((await guest.get(`/channels/${channel.id}/messages/${sent.id}`)).content, 'by socket');
  const key = random();
  const once = await socket.request('server.create', { name: 'only once' }, { key });
  const more = await socket.request('server.create', { name: 'only once' }, { key });
  assert.equal(once.status, 201);
  assert.equal(more.d.id, once.d.id);
});

test('thirty frames in ten seconds, then 429, then the door', async () => {
  const socket = await listen(await newcomer());
  const answers = Array.from({ length: 40 }, () => socket.request('account.get').catch(() => ({ status: 'closed' })));
  const statuses = (await Promise.all(answers)).map((it) => it.status);
  assert.ok(statuses.filter((it) => it === 200).length <= 30, `${statuses}`);
  assert.ok(statuses.filter((it) => it === 200).length >= 25, `${statuses}`);
  assert.ok(statuses.includes(429), `${statuses}`);
  for (let i = 0; i < 40 && !socket.isClosed; i++) socket.send({ op: 'heartbeat', received: 0 });
  assert.equal(await closeOf(socket), 4008);
});

test('who floods reads 4008, however many frames cross the close on their way', async () => {
  const person = await newcomer();
  for (let round = 0; round < 20; round++) {
    const socket = await listen(person);
    for (let i = 0; i < 500; i++) socket.send({ op: 'heartbeat', received: 0 });
    assert.equal(await closeOf(socket), 4008, `round ${round}`);
  }
});

test('revoking a session ends its sockets and its token at once, and no other', async () => {
  const ann = await newcomer();
  const phone = await signInAgain(ann, second);
  const [here, there] = [await listen(ann), await listen(phone, second)];
  const sessions = await ann.get('/auth/sessions');
  assert.deepEqual(sessions.map((it) => it.id).sort(), [ann.sessionId, phone.sessionId].sort());
  assert.equal(sessions.find((it) => it.is_current).id, ann.sessionId);
  await ann.delete(`/auth/sessions/${phone.sessionId}`);
  assert.equal(await closeOf(there, 1000), 4004);
  await until('401', async () => (await phone.call('GET', '/auth/me')).status === 401, 1000);
  await here.ask('account.get');
  const laptop = await signInAgain(ann);
  await ann.delete('/auth/sessions');
  await until('401', async () => (await laptop.call('GET', '/auth/me')).status === 401, 1000);
  assert.equal((await ann.get('/auth/sessions')).length, 1);
  here.close();
});

test('a gateway takes as many sockets as it is told, not one more', async () => {
  await withOwnStack({ MAX_CONNECTIONS: 3, LIMIT_GENERAL: '0/0' }, async (env) => {
    const sockets = [];
    for (let i = 0; i < 3; i++) sockets.push(await open(env.PARLEY_URL));
    const refused = await open(env.PARLEY_URL).catch((error) => error);
    assert.equal(refused.response?.statusCode, 503);
    assert.match(refused.response.headers['retry-after'], /^\d+$/);
    await sockets[0].close();
    await until('a place', () => open(env.PARLEY_URL).catch(() => null));
  });
});

test('who reads too slowly is cut off, and loses nothing by it', { timeout: 90000 }, async () => {
  await withOwnStack({ RING_FRAMES: 64, LIMIT_MESSAGING: '0/0', LIMIT_GENERAL: '0/0' }, async (env) => {
    const { owner, channel, guest } = await community({ base: env.PARLEY_URL });
    const slow = await listen(guest);
    const quick = await listen(owner);
    slow.ws._socket.pause();
    let sent = 0;
    const isCutOff = async () => /^sockets_slow_total [1-9]/m.test(await (await fetch(`${env.OPS_GATEWAY_1}/metrics`)).text());
    for (; sent < 6000 && !(await isCutOff()); sent += 50) {
      await Promise.all(Array.from({ length: 50 }, () => owner.send(channel, 'x'.repeat(4000))));
    }
    assert.ok(await isCutOff(), `${sent} messages did not fill a socket`);
    await until('everything at the quick one', () => quick.cursors[channel.id] === sent, 20000);
    slow.ws._socket.resume();
    await within(10000, 'the close', slow.closed);

    const back = await resume(guest, slow);
    if (back.resumed.op === 'invalid_session') {
      back.send({ op: 'identify', d: { token: guest.token } });
      back.begin((await back.next('ready')).d);
    }
    await until('everything at the slow one', () => back.cursors[channel.id] === sent, 20000);
    assert.equal(back.disorder, undefined);
  });
});
