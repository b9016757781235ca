// SPDX-License-Identifier: MIT
// Who is there, over several devices and gateways, and who is typing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { community } from './lib/place.mjs';
import { signInAgain } from './lib/person.mjs';
import { listen } from './lib/socket.mjs';
import { first, second } from './lib/stack.mjs';
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
