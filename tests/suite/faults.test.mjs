// SPDX-License-Identifier: MIT
// The engines go away and come back; nobody restarts anything of ours. Meanwhile there are honest
// refusals, afterwards everything works by itself, and what was acknowledged is there.

import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { call, newcomer } from './lib/person.mjs';
import { community, newChannel } from './lib/place.mjs';
import { listen } from './lib/socket.mjs';
import { control, first, gateways, hasProcess, ops, second } from './lib/stack.mjs';
import { assertNothingLost, Talkers } from './lib/talkers.mjs';
import { sleep, until } from './lib/wait.mjs';

afterEach(() => control('start', 'postgres', 'redis', 'nats'));

const readiness = async (base) => (await fetch(`${base}/ready`)).status;

/** Talking goes on across `fault`, on both gateways, heard on both. */
async function across(fault) {
  const { owner, channel, guests } = await community({ guests: 3 });
  const sockets = [await listen(owner, first), await listen(guests[0], second)];
  const talkers = new Talkers([owner, ...guests], channel);
  try {
    await sleep(500);
    await fault({ owner, channel, guest: guests[0] });
    const before = talkers.acknowledged.length;
    await until('talk to go on', () => talkers.acknowledged.length > before + 20, 15000);
  } finally {
    await control('start', 'postgres', 'redis', 'nats');
    await talkers.stop();
  }
  await assertNothingLost(talkers, owner, sockets);
  return talkers;
}

async function assertUnavailable(person, method, path, body) {
  const given = await person.call(method, path, body);
  assert.equal(given.status, 503, `${method} ${path}: ${given.text}`);
}

test('NATS stopped and started: 503, then on as if nothing had been', async () => {
  const talkers = await across(async ({ owner, channel }) => {
    await control('stop', 'nats');
    for (const base of gateways) {
      await assertUnavailable(owner.at(base), 'GET', `/channels/${channel.id}`);
      assert.equal(await readiness(base), 503);
      assert.equal((await fetch(`${base}/health`)).status, 200, 'alive all the same');
    }
    await control('start', 'nats');
    for (const base of gateways) await until('readiness', async () => (await readiness(base)) === 200, 10000);
  });
  assert.ok(talkers.refusals.every((it) => it === 0 || it === 503 || it === 504), `${new Set(talkers.refusals)}`);
});

test('PostgreSQL stopped and started: 503, then on as if nothing had been', async () => {
  const talkers = await across(async ({ owner, channel }) => {
    await control('stop', 'postgres');
    await assertUnavailable(owner, 'POST', '/servers', { name: 'not now' });
    await assertUnavailable(owner.at(second), 'GET', `/channels/${channel.id}/messages`);
    const login = await call(first, 'POST', '/auth/login', { body: { login: owner.user.username, password: owner.password } });
    assert.equal(login.status, 503);
    await until('messaging not ready', async () => (await readiness(ops('messaging-1'))) === 503);
    await control('start', 'postgres');
    await until('messaging ready', async () => (await readiness(ops('messaging-1'))) === 200, 10000);
  });
  assert.ok(talkers.refusals.every((it) => it === 503 || it === 504), `${new Set(talkers.refusals)}`);
});

test('Redis stopped: nothing is refused, only presence is unknown; back, it fills again', async () => {
  let place;
  const talkers = await across(async ({ owner, channel, guest }) => {
    place = { owner, guest, server: await owner.get(`/servers/${channel.server_id}`) };
    await control('stop', 'redis');
    await sleep(300);
    assert.deepEqual(await owner.get(`/servers/${channel.server_id}/presences`), []);
    await guest.post(`/channels/${channel.id}/typing`);
    const late = await newcomer(second);
    const socket = await listen(late, first);
    const server = await late.post('/servers', { name: 'without Redis' });
    await socket.event('server.create', (d) => d.id === server.id);
    const { ticket } = await late.post('/auth/ticket');
    assert.ok(ticket);
    await newChannel(late, server);
    assert.match(await (await fetch(`${first}/ready`)).text(), /"cache":false/);
    await control('start', 'redis');
  });
  assert.deepEqual(talkers.refusals, []);
  const { owner, guest, server } = place;
  const there = async () => (await owner.get(`/servers/${server.id}/presences`)).some((it) => it.user_id === guest.id);
  await until('presence again', there, 30000);
});

test('everything restarted at once', async () => {
  await across(async () => {
    await control('stop', 'postgres', 'redis', 'nats');
    await control('start', 'postgres', 'redis', 'nats');
    for (const base of gateways) await until('readiness', async () => (await readiness(base)) === 200, 10000);
  });
});

test('voice knows nothing of Redis, and a call goes on when NATS is restarted', async () => {
  const { owner, server, guests: [guest, late] } = await community({ guests: 2 });
  const voice = await newChannel(owner, server, { type: 'voice' });
  const path = `/channels/${voice.id}/voice`;
  const hears = await listen(guest.at(second));
  const seated = async () => (await owner.at(second).get(path)).map((it) => it.user_id);
  await owner.post(path);

  await control('stop', 'redis');
  assert.deepEqual((await guest.post(path, { session_id: hears.sessionId })).participants.map((it) => it.user_id), [owner.id, guest.id]);
  assert.equal((await guest.at(second).patch(path, { muted: true })).muted, true);
  await owner.post(`${path}/signal`, { to_user_id: guest.id, kind: 'offer', payload: { type: 'offer', sdp: 'v=0' } });
  assert.equal((await hears.event('voice.signal')).from_user_id, owner.id);
  await late.post(path);
  await late.delete(path);
  await hears.event('voice.leave', (d) => d.user_id === late.id);
  assert.deepEqual(await seated(), [owner.id, guest.id]);
  await control('start', 'redis');

  await control('restart', 'nats');
  for (const gateway of [first, second]) {
    await until('the room again', async () => (await guest.at(gateway).call('GET', path)).status === 200, 10000);
  }
  assert.deepEqual(await seated(), [owner.id, guest.id]);
  assert.equal((await guest.patch(path, { muted: false })).muted, false);
  await late.post(path);
  await owner.delete(path);
  assert.deepEqual(await seated(), [guest.id, late.id]);
});

/** What /ready names for an engine, and which programs are not ready without it (the others serve, and say it). */
const engines = [
  { engine: 'nats', check: 'bus', state: 'down', status: 503, needing: ['auth', 'messaging', 'media', 'presence', 'moderation', 'voice-signaling', 'gateway'] },
  { engine: 'postgres', check: 'database', state: 'down', status: 503, needing: ['auth', 'messaging', 'media', 'moderation'] },
  { engine: 'redis', check: 'cache', state: 'away', status: 200, needing: ['presence', 'gateway'] },
];

const askOps = async (name, path) => {
  const answer = await fetch(`${ops(name)}${path}`);
  return { status: answer.status, body: await answer.json() };
};

for (const { engine, check, state, status, needing } of engines) {
  test(`programs started while ${engine} is away say so, wait for it and serve by themselves`, async () => {
    const names = needing.map((it) => `${it}-1`).filter(hasProcess);
    await Promise.all(names.map((it) => control('stop', it)));
    await control('stop', engine);
    // Each of these ends when its program is ready, and fails when the program ends instead.
    const starts = Promise.all(names.map((it) => control('start', it)));
    starts.catch(() => {});
    for (const name of names) {
      await until(`${name} to be alive`, async () => (await askOps(name, '/health')).status === 200);
      await until(`${name} to name what is missing`, async () => {
        const ready = await askOps(name, '/ready');
        return ready.status === status && ready.body.checks[check] === state;
      });
    }
    await control('start', engine);
    const ready = async (name) => (await askOps(name, '/ready')).body.status === 'ready';
    for (const name of names) await until(`${name} to be ready`, () => ready(name), 10000);
    await starts;
    const { owner, channel } = await community({ guests: 1 });
    const { id } = await owner.post(`/channels/${channel.id}/messages`, { content: `after ${engine}` });
    assert.equal((await owner.get(`/channels/${channel.id}/messages/${id}`)).content, `after ${engine}`);
  });
}
