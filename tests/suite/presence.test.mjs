// SPDX-License-Identifier: MIT
// Who is there, over several devices and gateways, and who is typing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { community, newChannel } from './lib/place.mjs';
import { signInAgain } from './lib/person.mjs';
import { listen, resume } from './lib/socket.mjs';
import { first, gateways, second, withOwnStack } from './lib/stack.mjs';
import { sleep, until } from './lib/wait.mjs';

const statusOf = (asker, server, person) => async () =>
  (await asker.get(`/servers/${server.id}/presences`)).find((it) => it.user_id === person.id)?.status ?? 'offline';

test('one is online while any device is', async () => {
  const { owner, server, guest } = await community();
  const hears = await listen(owner, second);
  const status = statusOf(owner, server, guest);
  const phone = await listen(guest, first);
  await hears.event('presence.update', (d) => d.user_id === guest.id && d.status === 'online');
  await until('online', async () => (await status()) === 'online');
  const laptop = await listen(await signInAgain(guest), second);
  // Gateways tell who came in batches, who went at once.
  await sleep(300);
  await phone.close();
  await sleep(300);
  assert.equal(await status(), 'online');
  const news = hears.events.filter((it) => it.t === 'presence.update' && it.d.user_id === guest.id);
  assert.deepEqual(news, [], 'no second news, and none of an end');
  await laptop.close();
  const gone = await hears.event('presence.update', (d) => d.user_id === guest.id && d.status === 'offline');
  assert.ok(Date.parse(gone.last_seen) > Date.now() - 60_000);
  await until('offline', async () => (await status()) === 'offline');
  const list = await owner.get(`/servers/${server.id}/presences?status=offline`);
  assert.ok(list.some((it) => it.user_id === guest.id));
});

test('a short loss of the connection is no absence and costs no seat; one longer than the window is and does', async () => {
  await withOwnStack({ RESUME_WINDOW_S: 4 }, async (env) => {
    const { owner, server, guest } = await community({ base: env.PARLEY_URL });
    const voice = await newChannel(owner, server, { type: 'voice' });
    const hears = await listen(owner);
    const isOf = (status) => (d) => d.user_id === guest.id && d.status === status;
    const before = await listen(guest);
    await hears.event('presence.update', isOf('online'));
    await guest.post(`/channels/${voice.id}/voice`, { session_id: before.sessionId });
    await before.drop();
    await sleep(2000);
    assert.equal(await statusOf(owner, server, guest)(), 'online');
    const back = await resume(guest, before);
    assert.equal(back.resumed.d.session_id, before.sessionId);
    await sleep(4500);
    assert.equal(hears.has('presence.update', (d) => d.user_id === guest.id), false, 'neither gone nor come');
    assert.equal(hears.has('voice.leave'), false);

    const lost = Date.now();
    await back.drop();
    await hears.event('presence.update', isOf('offline'), 10_000);
    assert.ok(Date.now() - lost > 3500, `offline after ${Date.now() - lost} ms`);
    assert.equal((await hears.event('voice.leave')).user_id, guest.id);
  });
});

test('who goes on at another gateway, or from another device, is not away in between', { skip: gateways.length < 2 }, async () => {
  const { owner, server, guest } = await community();
  const hears = await listen(owner, second);
  const before = await listen(guest, first);
  await hears.event('presence.update', (d) => d.user_id === guest.id && d.status === 'online');
  await before.drop();
  const back = await resume(guest, before, second);
  assert.notEqual(back.resumed.d.session_id, before.sessionId);
  const phone = await listen(await signInAgain(guest), first);
  await Promise.all([back.close(), listen(await signInAgain(guest), second)]);
  await phone.close();
  await sleep(1000);
  assert.equal(hears.has('presence.update', (d) => d.user_id === guest.id), false);
  assert.equal(await statusOf(owner, server, guest)(), 'online');
});

test('signing out ends a lost session at once', async () => {
  const { owner, guest } = await community();
  const hears = await listen(owner, second);
  const isOf = (status) => (d) => d.user_id === guest.id && d.status === status;
  const lost = await listen(guest, first);
  await hears.event('presence.update', isOf('online'));
  await lost.drop();
  await guest.post('/auth/logout');
  await hears.event('presence.update', isOf('offline'));
});

test('strangers learn nothing of it', async () => {
  const { server, guest } = await community();
  const { owner: stranger } = await community({ guests: 0 });
  const hears = await listen(stranger);
  await listen(guest);
  await stranger.refused([403, 404], 'GET', `/servers/${server.id}/presences`);
  await hears.ask('account.get');
  assert.equal(hears.has('presence.update', (d) => d.user_id === guest.id), false);
});

test('typing is told to others, ends when said, when sent, and by itself after eight seconds', async () => {
  const { owner, channel, guest } = await community();
  const hears = await listen(owner, second);
  await guest.post(`/channels/${channel.id}/typing`);
  const typing = await hears.event('typing.start');
  assert.deepEqual([typing.user_id, typing.channel_id], [guest.id, channel.id]);
  await guest.delete(`/channels/${channel.id}/typing`);
  await hears.event('typing.stop');

  await guest.post(`/channels/${channel.id}/typing`);
  await hears.event('typing.start');
  const since = Date.now();
  await hears.event('typing.stop', undefined, 12000);
  const after = Date.now() - since;
  assert.ok(after > 7000 && after < 10500, `after ${after} ms`);
});
