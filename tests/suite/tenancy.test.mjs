// SPDX-License-Identifier: MIT
// Two applications on one instance know nothing of each other.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { administrator, call, random, register, signIn } from './lib/person.mjs';
import { community } from './lib/place.mjs';
import { listen } from './lib/socket.mjs';
import { first, second } from './lib/stack.mjs';

let other;
const header = () => ({ 'x-parley-application': other.id });

before(async () => {
  other = await (await administrator()).post('/applications', { name: `tenant ${random()}` });
});

test('names are free again in another application, and sign in to their own', async () => {
  const here = await register(first);
  const { username, email } = here.user;
  const there = await register(second, { username, email, password: 'another password' }, header());
  assert.notEqual(there.id, here.id);
  assert.equal(there.user.app_id, other.id);
  assert.equal((await signIn(first, username, 'another password', header())).id, there.id);
  assert.equal((await signIn(first, username, here.password)).id, here.id);
  const crossed = await call(first, 'POST', '/auth/login', { body: { login: username, password: here.password }, headers: header() });
  assert.equal(crossed.status, 401);
  await there.refused(404, 'GET', `/users/${here.id}`);
});

test('nothing of one application can be reached from the other, by any way in', async () => {
  const { owner, server, channel } = await community({ guests: 0 });
  await owner.patch(`/servers/${server.id}`, { is_public: true });
  const invite = await owner.post(`/servers/${server.id}/invites`, {});
  const message = await owner.send(channel, 'ours');
  const alien = await register(second, {}, header());
  const aliens = await listen(alien);

  for (const [method, path, body] of [
    ['GET', `/servers/${server.id}`], ['GET', `/channels/${channel.id}`], ['GET', `/channels/${channel.id}/messages`],
    ['GET', `/channels/${channel.id}/messages/${message.id}`], ['POST', `/channels/${channel.id}/messages`, { content: 'hm' }],
    ['POST', `/servers/${server.id}/join`, {}], ['POST', `/servers/${server.id}/join`, { invite: invite.code }],
    ['POST', `/invites/${invite.code}`], ['GET', `/users/${owner.id}`],
  ]) {
    await alien.refused([403, 404], method, path, body);
    await alien.refused([401, 403, 404], method, path, body, { headers: { 'x-parley-application': owner.user.app_id } });
  }
  const own = await alien.post('/servers', { name: 'theirs' });
  await alien.refused([400, 403, 404], 'PUT', `/servers/${own.id}/members/${owner.id}`);
  await aliens.event('server.create', (d) => d.id === own.id);
  await owner.send(channel, 'still ours');
  await aliens.ask('account.get');
  assert.deepEqual(aliens.events.filter((it) => it.d.server_id === server.id), []);
  assert.deepEqual((await owner.get(`/servers/${server.id}/members`)).map((it) => it.user.id), [owner.id]);
});

test('an application that is none is said so', async () => {
  for (const id of ['999999999', 'abc', '0', '-1']) {
    const body = { username: `u${random()}`, email: `${random()}@example.org`, password: 'long enough' };
    const given = await call(first, 'POST', '/auth/register', { body, headers: { 'x-parley-application': id } });
    assert.ok([400, 404].includes(given.status), `${id}: ${given.status}`);
  }
});
