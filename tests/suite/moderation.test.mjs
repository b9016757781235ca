// SPDX-License-Identifier: MIT
// Moderators' acts work at once on every gateway, and the log keeps who did what to whom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { community } from './lib/place.mjs';
import { listen } from './lib/socket.mjs';
import { first, second } from './lib/stack.mjs';
import { until } from './lib/wait.mjs';

test('who is kicked may come back, who is banned may not, until the ban ends', async () => {
  const { owner, server, channel, guest } = await community();
  const hears = await listen(guest, second);
  await owner.delete(`/servers/${server.id}/members/${guest.id}?reason=spam`);
  assert.equal((await hears.event('server.leave')).kind, 'kick');
  const invite = await owner.post(`/servers/${server.id}/invites`, {});
  await guest.post(`/invites/${invite.code}`);
  await guest.send(channel, 'I am sorry');

  const ban = await owner.post(`/servers/${server.id}/bans`, { user_id: guest.id, reason: 'again', delete_messages_seconds: 3600 });
  assert.equal(ban.reason, 'again');
  await hears.event('server.leave', (d) => d.kind === 'ban');
  for (const base of [first, second]) {
    await guest.at(base).refused([403, 404], 'GET', `/channels/${channel.id}/messages`);
    await guest.at(base).refused(403, 'POST', `/invites/${invite.code}`);
  }
  await until('his words gone', async () => (await owner.get(`/channels/${channel.id}/messages`)).length === 0);
  assert.deepEqual((await owner.get(`/servers/${server.id}/bans`)).map((it) => it.user_id), [guest.id]);

  await owner.delete(`/servers/${server.id}/bans/${guest.id}`);
  await guest.post(`/invites/${invite.code}`);
  assert.deepEqual(await owner.get(`/servers/${server.id}/bans`), []);
});

test('a time-out silences everywhere at once, can be lifted, and ends by itself', async () => {
  const { owner, server, channel, guest } = await community();
  const say = (base) => guest.at(base).call('POST', `/channels/${channel.id}/messages`, { content: 'but' });
  const timeout = `/servers/${server.id}/members/${guest.id}/timeout`;
  const until_ = await owner.put(timeout, { seconds: 600, reason: 'calm down' });
  assert.ok(Date.parse(until_.timed_out_until) > Date.now() + 500_000);
  for (const base of [first, second]) assert.equal((await say(base)).body.type, '/problems/timed_out');
  await guest.get(`/channels/${channel.id}/messages`);
  await owner.delete(timeout);
  for (const base of [first, second]) await until('words', async () => (await say(base)).status === 201, 1000);
  await owner.put(timeout, { seconds: 1 });
  assert.equal((await say(first)).status, 403);
  await until('its end', async () => (await say(second)).status === 201, 3000);
});

test('a moderator deletes what somebody wrote, for a reason', async () => {
  const { owner, channel, guest } = await community();
  const hears = await listen(guest, second);
  const message = await guest.send(channel, 'something bad');
  await guest.refused(403, 'DELETE', `/moderation/channels/${channel.id}/messages/${message.id}`);
  await owner.delete(`/moderation/channels/${channel.id}/messages/${message.id}?reason=rude`);
  assert.equal((await hears.event('message.delete')).id, message.id);
  await guest.refused(404, 'GET', `/channels/${channel.id}/messages/${message.id}`);
});

test('the audit log has each act once, newest first, by page and by kind', async () => {
  const { owner, server, channel, guest } = await community();
  const log = (query = '') => owner.get(`/servers/${server.id}/audit-log${query}`);
  const message = await guest.send(channel, 'something bad');
  await owner.delete(`/moderation/channels/${channel.id}/messages/${message.id}?reason=rude`);
  await owner.put(`/servers/${server.id}/members/${guest.id}/timeout`, { seconds: 5, reason: 'calm' });
  await owner.patch(`/channels/${channel.id}`, { name: 'renamed' });
  await owner.delete(`/servers/${server.id}/members/${guest.id}?reason=out`);

  const kicked = await until('the last act in the log', async () => (await log('?action=member.kick'))[0]);
  assert.deepEqual([kicked.actor_id, kicked.target_id, kicked.reason], [owner.id, guest.id, 'out']);
  const all = await log();
  assert.equal(new Set(all.map((it) => it.id)).size, all.length);
  assert.deepEqual(all.map((it) => it.id), all.map((it) => it.id).sort((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1)));
  const actions = all.map((it) => it.action);
  for (const action of ['member.kick', 'channel.update', 'channel.create']) {
    assert.equal(actions.filter((it) => it === action).length, 1, `${action} in ${actions}`);
  }
  const rename = all.find((it) => it.action === 'channel.update').changes.find((it) => it.key === 'name');
  assert.deepEqual([rename.old, rename.new], [channel.name, 'renamed']);
  const pages = [];
  for (let before = ''; ;) {
    const page = await log(`?limit=2${before}`);
    if (page.length === 0) break;
    pages.push(...page);
    before = `&before=${page.at(-1).id}`;
  }
  assert.deepEqual(pages, all);
  assert.deepEqual((await log(`?target_id=${guest.id}`)).every((it) => it.target_id === guest.id), true);
  await guest.refused([403, 404], 'GET', `/servers/${server.id}/audit-log`);
});
