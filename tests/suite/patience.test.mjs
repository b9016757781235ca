// SPDX-License-Identifier: MIT
// Everything that takes its time, all at once: time limits of connections, tickets, sessions whose
// gateway was killed. As long as the longest of them.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { newcomer } from './lib/person.mjs';
import { community } from './lib/place.mjs';
import { listen, open, resume } from './lib/socket.mjs';
import { control, first, gateways, second, withOwnStack } from './lib/stack.mjs';
import { sleep, until, within } from './lib/wait.mjs';

/** Milliseconds until the server closes a connection on which only `bytes` were sent. */
function patienceWith(bytes) {
  const { hostname, port } = new URL(first);
  const since = Date.now();
  return new Promise((resolve) => {
    const socket = connect(port, hostname, () => socket.write(bytes));
    socket.on('data', () => {});
    socket.on('error', () => {});
    socket.on('close', () => resolve(Date.now() - since));
  });
}

async function closeTime(socket, most) {
  const since = Date.now();
  const { code, at } = await within(most, 'the close', socket.closed);
  return { code, after: at - since };
}

describe('time limits', { concurrency: true }, () => {
  it('who is silent for 90 s is closed with 4009, and not before', async () => {
    const { code, after } = await closeTime(await listen(await newcomer()), 100_000);
    assert.equal(code, 4009);
    assert.ok(after > 85_000 && after < 95_000, `${after} ms`);
  });

  it('who heartbeats stays', async () => {
    const socket = await listen(await newcomer());
    for (let i = 0; i < 4; i++) {
      await sleep(24_000);
      socket.send({ op: 'heartbeat', received: socket.received });
      await socket.next('heartbeat_ack');
    }
    await socket.ask('account.get');
  });

  it('who does not identify within 60 s is closed', async () => {
    const { code, after } = await closeTime(await open(first), 70_000);
    assert.equal(code, 4009);
    assert.ok(after > 55_000 && after < 65_000, `${after} ms`);
  });

  it('a handshake that never comes ends the connection within 30 s', async () => {
    const halves = ['', 'GET /ws HT', 'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n'];
    for (const ms of await Promise.all(halves.map(patienceWith))) assert.ok(ms < 35_000, `${ms} ms`);
  });

  it('a ticket ends after 30 s', async () => {
    const { ticket } = await (await newcomer()).post('/auth/ticket');
    await sleep(31_000);
    const late = await open(first, `?ticket=${ticket}`);
    assert.equal((await within(3000, 'the close', late.closed)).code, 4004);
  });

  it('after its window a session is gone, but the cursors bring the rest', async () => {
    await withOwnStack({ RESUME_WINDOW_S: 1 }, async (env) => {
      const { owner, channel, guest } = await community({ base: env.PARLEY_URL });
      const before = await listen(guest);
      await before.drop();
      await owner.send(channel, 'meanwhile');
      await sleep(2500);
      const back = await resume(guest, before);
      assert.equal(back.resumed.op, 'resumed');
      assert.notEqual(back.sessionId, before.sessionId);
      assert.equal((await back.event('message.create')).content, 'meanwhile');
    });
  });

  it('an access token ends with its time, and a refreshed one goes on', async () => {
    await withOwnStack({ ACCESS_TOKEN_S: 30, LIMIT_GENERAL: '0/0' }, async (env) => {
      const person = await newcomer(env.PARLEY_URL);
      await person.get('/auth/me');
      await sleep(29_000);
      // Clocks may differ a little, so the end is given some grace.
      const given = await until('the end', async () => {
        const answer = await person.call('GET', '/auth/me');
        return answer.status === 401 && answer;
      }, 35_000);
      assert.equal(given.body.type, '/problems/token_expired');
      const late = await open(env.PARLEY_URL);
      late.send({ op: 'identify', d: { token: person.token } });
      assert.equal((await within(3000, 'the close', late.closed)).code, 4004);
      const { body } = await person.call('POST', '/auth/refresh', { refresh_token: person.refreshToken });
      person.accept(body);
      await person.get('/auth/me');
    });
  });

  it('sessions of a killed gateway go offline within 80 s', { skip: gateways.length < 2 }, async () => {
    const { owner, server, guest } = await community();
    const hears = await listen(owner, first);
    await listen(guest, second);
    await hears.event('presence.update', (d) => d.user_id === guest.id && d.status === 'online');
    await control('kill', 'gateway-2');
    try {
      const beats = setInterval(() => hears.send({ op: 'heartbeat', received: hears.received }), 30_000);
      await hears.event('presence.update', (d) => d.user_id === guest.id && d.status === 'offline', 85_000);
      clearInterval(beats);
    } finally {
      await control('start', 'gateway-2');
    }
    await until('nobody there', async () => !(await owner.get(`/servers/${server.id}/presences`)).some((p) => p.user_id === guest.id));
  });
});
