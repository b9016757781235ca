// SPDX-License-Identifier: MIT
// One's own account, keys for programs, and the instance's switches.

import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { administrator, call, newcomer, random, register, signIn } from './lib/person.mjs';
import { community } from './lib/place.mjs';
import { listen } from './lib/socket.mjs';
import { first, gateways, second } from './lib/stack.mjs';
import { until } from './lib/wait.mjs';

test('a changed profile is seen in messages, lists and on one\'s other devices', async () => {
  const { owner, server, channel, guest } = await community();
  const device = await listen(guest, second);
  const name = `Ben ${random(4)}`;
  const changed = await guest.patch('/users/me', { display_name: name, bio: 'likes tests', status_text: 'testing' });
  assert.deepEqual([changed.display_name, changed.bio, changed.status_text], [name, 'likes tests', 'testing']);
  assert.equal((await device.event('account.update')).display_name, name);
  assert.equal((await owner.get(`/users/${guest.id}`)).status_text, 'testing');
  await until('the name in messages', async () => (await guest.send(channel, 'hello')).author.display_name === name);
  const seen = await owner.get(`/servers/${server.id}/members/${guest.id}`);
  assert.equal(seen.user.display_name, name);
  assert.equal((await guest.patch('/users/me', { display_name: null })).display_name, null);
  const renamed = `v${random(12)}`;
  await guest.patch('/users/me', { username: renamed });
  await signIn(second, renamed, guest.password);
});

test('address and password change only with the password, which signs the others out', async () => {
  const ann = await newcomer();
  const elsewhere = await signIn(second, ann.user.username, ann.password);
  await ann.refused([400, 401, 403], 'PATCH', '/users/me', { email: `${random()}@example.org` });
  await ann.refused([400, 401, 403], 'PATCH', '/users/me', { password: 'a new password', current_password: 'wrong one' });
  await ann.patch('/users/me', { password: 'a new password', current_password: ann.password });
  await until('the other session ended', async () => (await elsewhere.call('GET', '/auth/me')).status === 401, 1000);
  const old = await call(first, 'POST', '/auth/login', { body: { login: ann.user.email, password: ann.password } });
  assert.equal(old.status, 401);
  await signIn(first, ann.user.email, 'a new password');
});

test('an API key does what its scopes say, until it is revoked', async () => {
  const boss = await administrator();
  const reading = await boss.post('/api-keys', { name: 'reads', scopes: ['read'] });
  const writing = await boss.post('/api-keys', { name: 'writes', scopes: ['read', 'write'] });
  assert.match(reading.key, /^pk_/);
  assert.equal((await boss.get('/api-keys')).find((it) => it.id === reading.id).key, undefined);
  for (const base of gateways) {
    assert.equal((await call(base, 'GET', '/servers', { token: reading.key })).status, 200);
    assert.equal((await call(base, 'POST', '/servers', { token: reading.key, body: { name: 'no' } })).status, 403);
    assert.equal((await call(base, 'GET', '/api-keys', { token: writing.key })).status, 403, 'admin is a scope');
  }
  const made = await call(first, 'POST', '/servers', { token: writing.key, body: { name: 'by a program' } });
  assert.equal(made.status, 201);
  await boss.delete(`/servers/${made.body.id}`);
  await boss.delete(`/api-keys/${reading.id}`);
  await boss.delete(`/api-keys/${writing.id}`);
  for (const base of gateways) {
    await until('its end', async () => (await call(base, 'GET', '/servers', { token: reading.key })).status === 401, 1000);
  }
});

test('registration, read-only and slow mode are switched while everything runs', async () => {
  const boss = await administrator();
  const { channel, guest } = await community();
  const before = await boss.get('/instance');
  const say = (base) => guest.at(base).call('POST', `/channels/${channel.id}/messages`, { content: 'word' });
  try {
    await boss.patch('/instance', { registration_open: false });
    for (const base of gateways) await assert.rejects(register(base), /registration_closed/);
    await boss.patch('/instance', { registration_open: true, read_only: true });
    for (const base of gateways) await until('silence', async () => (await say(base)).body?.type === '/problems/read_only', 2000);
    await boss.patch('/instance', { read_only: false, slow_mode: 60 });
    await until('slow mode', async () => (await say(second)).body?.type === '/problems/slow_mode', 3000);
  } finally {
    await boss.patch('/instance', { registration_open: before.registration_open, read_only: before.read_only, slow_mode: before.slow_mode });
  }
  for (const base of gateways) await until('words', async () => (await say(base)).status === 201, 2000);
});

test('tokens are signed by the keys the instance publishes', async () => {
  const ann = await newcomer();
  const { keys } = await (await fetch(`${first}/.well-known/jwks.json`)).json();
  const [head, claims] = ann.token.split('.').slice(0, 2).map((it) => JSON.parse(Buffer.from(it, 'base64url')));
  const jwk = keys.find((it) => it.kid === head.kid);
  assert.deepEqual([head.alg, jwk.kty, jwk.crv, jwk.d], ['ES256', 'EC', 'P-256', undefined]);
  const [signed, signature] = [ann.token.slice(0, ann.token.lastIndexOf('.')), ann.token.split('.')[2]];
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  assert.ok(verify('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
  assert.equal(claims.sub, ann.id);
  assert.ok(claims.exp - claims.iat <= 600);
});
