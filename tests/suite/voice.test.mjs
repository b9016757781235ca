// SPDX-License-Identifier: MIT
// Voice rooms: who is in, how they reach each other, and that nothing leaves the room. That a real
// relay takes the passwords is another test's matter (turn.test.mjs).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newcomer } from './lib/person.mjs';
import { community, letIn, newChannel } from './lib/place.mjs';
import { listen } from './lib/socket.mjs';
import { first, second } from './lib/stack.mjs';
import { until } from './lib/wait.mjs';

const offer = (to, payload = { type: 'offer', sdp: 'v=0' }) => ({ to_user_id: to.id, kind: 'offer', payload });

async function room(guests) {
  const place = await community({ guests });
  const voice = await newChannel(place.owner, place.server, { type: 'voice' });
  return { ...place, voice, path: `/channels/${voice.id}/voice` };
}

test('participants see each other come, change and go', async () => {
  const { owner, guest, path, voice } = await room(1);
  const ownerHears = await listen(owner, second);
  const answer = await owner.post(path, { session_id: ownerHears.sessionId });
  assert.equal(answer.topology, 'mesh');
  assert.deepEqual(answer.participants.map((it) => it.user_id), [owner.id]);
  assert.ok(answer.ice_servers.some((it) => it.username && it.credential));

  const guestHears = await listen(guest, first);
  const joined = await guest.post(path, { session_id: guestHears.sessionId, muted: true });
  assert.deepEqual(joined.participants.map((it) => it.user_id), [owner.id, guest.id]);
  assert.equal((await ownerHears.event('voice.join', (d) => d.user_id === guest.id)).muted, true);
  await guest.patch(path, { muted: false, deafened: true });
  const state = await ownerHears.event('voice.state');
  assert.deepEqual([state.user_id, state.muted, state.deafened], [guest.id, false, true]);
  assert.equal((await owner.get(path)).length, 2);
  await guest.delete(path);
  assert.equal((await ownerHears.event('voice.leave')).user_id, guest.id);
  assert.deepEqual((await owner.get(`/channels/${voice.id}/voice`)).map((it) => it.user_id), [owner.id]);
});

test('signals go to the one meant, unread, and only inside one room', async () => {
  const { owner, server, guests: [guest, outsider], path } = await room(2);
  const elsewhere = await newChannel(owner, server, { type: 'voice' });
  const [ownerHears, guestHears, outsiderHears] = [await listen(owner), await listen(guest, second), await listen(outsider)];
  await owner.post(path);
  await guest.post(path);
  const payload = { type: 'offer', sdp: 'v=0\r\n✓', extra: [1, { deep: null }] };
  await guest.post(`${path}/signal`, offer(owner, payload));
  const heard = await ownerHears.event('voice.signal');
  assert.deepEqual([heard.from_user_id, heard.kind, heard.payload], [guest.id, 'offer', payload]);

  await outsider.refused([403, 404], 'POST', `${path}/signal`, offer(owner));
  await owner.refused([403, 404], 'POST', `${path}/signal`, offer(outsider));
  await outsider.post(`/channels/${elsewhere.id}/voice`);
  await outsider.refused([403, 404], 'POST', `${path}/signal`, offer(owner));
  await outsider.refused([403, 404], 'POST', `/channels/${elsewhere.id}/voice/signal`, offer(owner));
  const stranger = await newcomer();
  await stranger.refused([403, 404], 'POST', `${path}/signal`, offer(owner));
  await owner.refused([400, 413], 'POST', `${path}/signal`, offer(guest, 'x'.repeat(20000)));
  for (const socket of [guestHears, outsiderHears]) {
    await socket.ask('account.get');
    assert.equal(socket.has('voice.signal'), false);
  }
});

test('the end of a connection, a kick and a deleted channel end taking part', async () => {
  const { owner, server, guests: [a, b, c], path, voice } = await room(3);
  const hears = await listen(owner, second);
  const here = async () => (await owner.get(path)).map((it) => it.user_id);
  const socket = await listen(a);
  await a.post(path, { session_id: socket.sessionId });
  await listen(b);
  await b.post(path);
  await owner.post(path);
  await socket.close();
  await hears.event('voice.leave', (d) => d.user_id === a.id);
  await owner.delete(`/servers/${server.id}/members/${b.id}`);
  await hears.event('voice.leave', (d) => d.user_id === b.id);
  assert.deepEqual(await here(), [owner.id]);
  await listen(c);
  await c.post(path);
  await owner.delete(`/channels/${voice.id}`);
  await c.refused(404, 'GET', path);
});

test('losing the right to a channel takes the seat, by an overwrite and by a role', async () => {
  const { owner, server, guest, path, voice } = await room(1);
  const hears = await listen(owner, second);
  const socket = await listen(guest);
  const overwrite = `/channels/${voice.id}/overwrites/${server.id}`;
  const role = await owner.post(`/servers/${server.id}/roles`, { name: 'speakers', permissions: '0' });
  await owner.put(`/servers/${server.id}/members/${guest.id}/roles/${role.id}`);
  await owner.post(path);
  await guest.post(path, { session_id: socket.sessionId });

  await owner.put(overwrite, { type: 'role', deny: String(1n << 20n) });
  await hears.event('voice.leave', (d) => d.user_id === guest.id);
  assert.deepEqual((await owner.get(path)).map((it) => it.user_id), [owner.id]);
  await owner.refused(404, 'POST', `${path}/signal`, offer(guest));

  await owner.put(`/channels/${voice.id}/overwrites/${role.id}`, { type: 'role', allow: String(1n << 20n) });
  await until('the right again', async () => (await guest.call('POST', path, { body: { session_id: socket.sessionId } })).status === 200);
  const left = hears.event('voice.leave', (d) => d.user_id === guest.id);
  await owner.delete(`/servers/${server.id}/members/${guest.id}/roles/${role.id}`);
  await left;
});

test('four take part, a fifth is told it is full, a second room leaves the first', async () => {
  const { owner, server, guests, path } = await room(4);
  const people = [owner, ...guests];
  for (const person of people) await listen(person);
  for (const person of people.slice(0, 4)) await person.post(path);
  const full = await people[4].refused(409, 'POST', path);
  assert.equal(full.type, '/problems/voice_full');
  const other = await newChannel(owner, server, { type: 'voice' });
  await people[3].post(`/channels/${other.id}/voice`);
  await until('a free seat', async () => (await people[4].call('POST', path)).status === 200);
  assert.equal((await owner.get(path)).length, 4);
});

test('a moderator mutes and removes; without CONNECT nobody gets in', async () => {
  const { owner, server, guest, path, voice } = await room(1);
  const hears = await listen(guest, second);
  await guest.post(path, { session_id: hears.sessionId });
  assert.equal((await owner.patch(`${path}/${guest.id}`, { muted: true })).server_muted, true);
  await hears.event('voice.state', (d) => d.server_muted === true);
  await guest.refused(403, 'PATCH', `${path}/${owner.id}`, { muted: true });
  await owner.delete(`${path}/${guest.id}`);
  await hears.event('voice.leave', (d) => d.user_id === guest.id);
  await owner.put(`/channels/${voice.id}/overwrites/${server.id}`, { type: 'role', deny: String(1n << 20n) });
  await guest.refused(403, 'POST', path);
  const late = await newcomer();
  await letIn(owner, server, late);
  await late.refused(403, 'POST', path);
  await guest.refused(400, 'POST', `/channels/${(await newChannel(owner, server)).id}/voice`);
});
