// SPDX-License-Identifier: MIT
// Who may see and do what: overwrites, private channels, roles and their order, and that a view
// changes at once, live, on every gateway.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newcomer } from './lib/person.mjs';
import { community, letIn, newChannel } from './lib/place.mjs';
import { listen } from './lib/socket.mjs';
import { first, second } from './lib/stack.mjs';
import { until } from './lib/wait.mjs';

const VIEW = 1n << 10n;
const SEND = 1n << 11n;
const KICK = 1n << 1n;
const MANAGE_CHANNELS = 1n << 4n;
const MANAGE_ROLES = 1n << 28n;

/** Nothing that was said before has come, once this answer has. */
async function settled(socket) {
  await socket.ask('account.get');
}

test('a hidden channel is not in the list, not in ready, and its events never come', async () => {
  const { owner, server, guests: [in_, out] } = await community({ guests: 2 });
  const [ownerHears, inHears, outHears] = [await listen(owner), await listen(in_, second), await listen(out, second)];
  const secret = await newChannel(owner, server, {
    overwrites: [{ id: server.id, type: 'role', deny: String(VIEW) }, { id: in_.id, type: 'member', allow: String(VIEW) }],
  });
  await ownerHears.event('channel.create', (d) => d.id === secret.id);
  await inHears.event('channel.create', (d) => d.id === secret.id);
  const message = await owner.send(secret, `<@${out.id}> cannot read this`);
  assert.deepEqual(message.mentions, []);
  await in_.send(secret, 'nor this');
  await in_.post(`/channels/${secret.id}/typing`);
  await ownerHears.event('typing.start');
  await inHears.event('message.create', (d) => d.id === message.id);

  await settled(outHears);
  assert.equal(outHears.events.some((it) => it.d.channel_id === secret.id || it.d.id === secret.id), false);
  for (const base of [first, second]) {
    const there = out.at(base);
    assert.equal((await there.get(`/servers/${server.id}/channels`)).some((it) => it.id === secret.id), false);
    await there.refused([403, 404], 'GET', `/channels/${secret.id}`);
    await there.refused([403, 404], 'GET', `/channels/${secret.id}/messages`);
    await there.refused([403, 404], 'GET', `/channels/${secret.id}/messages/${message.id}`);
    await there.refused([403, 404], 'GET', `/channels/${secret.id}/sync?after=0`);
    await there.refused([403, 404], 'POST', `/channels/${secret.id}/messages`, { content: 'hm' });
  }
  const again = await listen(out);
  assert.equal(again.ready.servers.find((it) => it.id === server.id).channels.some((it) => it.id === secret.id), false);
  assert.equal((await out.get('/users/me/read-states')).some((it) => it.channel_id === secret.id), false);
});

test('a channel comes and goes live with its overwrites, and with it its events', async () => {
  const { owner, server, channel, guest } = await community();
  const hears = await listen(guest, second);
  const everyone = `/channels/${channel.id}/overwrites/${server.id}`;

  await owner.put(everyone, { type: 'role', deny: String(VIEW) });
  await hears.event('channel.delete', (d) => d.id === channel.id);
  await owner.send(channel, 'unseen');
  await guest.refused([403, 404], 'POST', `/channels/${channel.id}/messages`, { content: 'hm' });

  await owner.put(`/channels/${channel.id}/members/${guest.id}`);
  const back = await hears.event('channel.create', (d) => d.id === channel.id);
  assert.equal(back.seq, 1);
  await owner.send(channel, 'seen');
  assert.equal((await hears.event('message.create')).content, 'seen');
  assert.ok((await owner.get(`/channels/${channel.id}/members`)).some((it) => it.user.id === guest.id));

  await owner.delete(`/channels/${channel.id}/members/${guest.id}`);
  await hears.event('channel.delete', (d) => d.id === channel.id);
  await owner.delete(everyone);
  await hears.event('channel.create', (d) => d.id === channel.id);
  assert.equal(hears.has('message.create'), false);
});

test('a role opens a channel for who has it, as long as they have it', async () => {
  const { owner, server, guest } = await community();
  const role = await owner.post(`/servers/${server.id}/roles`, { name: 'insiders' });
  const room = await newChannel(owner, server, {
    overwrites: [{ id: server.id, type: 'role', deny: String(VIEW) }, { id: role.id, type: 'role', allow: String(VIEW) }],
  });
  const hears = await listen(guest, second);
  const grant = `/servers/${server.id}/members/${guest.id}/roles/${role.id}`;

  await owner.put(grant);
  await hears.event('channel.create', (d) => d.id === room.id);
  await guest.at(second).get(`/channels/${room.id}`);
  await owner.delete(grant);
  await hears.event('channel.delete', (d) => d.id === room.id);
  await guest.at(second).refused([403, 404], 'GET', `/channels/${room.id}`);

  await owner.put(grant);
  await hears.event('channel.create', (d) => d.id === room.id);
  await owner.delete(`/servers/${server.id}/roles/${role.id}`);
  await hears.event('channel.delete', (d) => d.id === room.id);
});

test('what may be seen may be forbidden to be written in', async () => {
  const { owner, server, channel, guest } = await community();
  await owner.put(`/channels/${channel.id}/overwrites/${server.id}`, { type: 'role', deny: String(SEND) });
  await guest.get(`/channels/${channel.id}/messages`);
  await guest.at(second).refused(403, 'POST', `/channels/${channel.id}/messages`, { content: 'hm' });
  await guest.refused(403, 'POST', `/channels/${channel.id}/typing`);
  await owner.put(`/channels/${channel.id}/overwrites/${guest.id}`, { type: 'member', allow: String(SEND) });
  await until('a right of one\'s own', async () => (await guest.call('POST', `/channels/${channel.id}/messages`, { content: 'now' })).status === 201, 1000);
});

test('a permission of a role works at once and ends within a second, everywhere', async () => {
  const { owner, server, guest } = await community();
  const role = await owner.post(`/servers/${server.id}/roles`, { name: 'builders', permissions: String(MANAGE_CHANNELS) });
  const build = (base) => guest.at(base).call('POST', `/servers/${server.id}/channels`, { name: 'built' });
  assert.equal((await build(first)).status, 403);
  await owner.put(`/servers/${server.id}/members/${guest.id}/roles/${role.id}`);
  await until('the right', async () => (await build(second)).status === 201, 1000);
  await owner.patch(`/servers/${server.id}/roles/${role.id}`, { permissions: '0' });
  for (const base of [first, second]) {
    await until('its end', async () => (await build(base)).status === 403, 1000);
  }
});

test('nobody acts on who stands higher, or gives what they do not have', async () => {
  const { owner, server, guests: [high, low] } = await community({ guests: 2 });
  const roles = `/servers/${server.id}/roles`;
  const power = String(KICK | MANAGE_ROLES);
  const lower = await owner.post(roles, { name: 'lower', permissions: power, position: 1 });
  const higher = await owner.post(roles, { name: 'higher', permissions: power, position: 2 });
  await owner.put(`/servers/${server.id}/members/${high.id}/roles/${higher.id}`);
  await owner.put(`/servers/${server.id}/members/${low.id}/roles/${lower.id}`);

  await low.refused(403, 'DELETE', `/servers/${server.id}/members/${high.id}`);
  await low.refused(403, 'DELETE', `/servers/${server.id}/members/${owner.id}`);
  await low.refused(403, 'PATCH', `${roles}/${higher.id}`, { name: 'mine' });
  await low.refused(403, 'PUT', `/servers/${server.id}/members/${low.id}/roles/${higher.id}`);
  await high.refused(403, 'POST', roles, { name: 'everything', permissions: String(1n << 3n) });
  await high.delete(`/servers/${server.id}/members/${low.id}`);
  await owner.refused(400, 'DELETE', `/servers/${server.id}/members/@me`);
});

test('a locked channel and slow mode hold members back, not who manages', async () => {
  const { owner, channel, guest } = await community();
  const say = () => guest.call('POST', `/channels/${channel.id}/messages`, { content: 'and another thing' });
  await owner.patch(`/channels/${channel.id}`, { is_locked: true });
  assert.equal((await say()).body.type, '/problems/channel_locked');
  await owner.send(channel, 'closed for today');
  await owner.patch(`/channels/${channel.id}`, { is_locked: false, slow_mode: 30 });
  assert.equal((await say()).status, 201);
  const slowed = await say();
  assert.equal(slowed.status, 429);
  assert.equal(slowed.body.type, '/problems/slow_mode');
  assert.ok(slowed.body.retry_after > 0 && slowed.body.retry_after <= 30);
  const elsewhere = await guest.at(second).call('POST', `/channels/${channel.id}/messages`, { content: 'over there?' });
  assert.equal(elsewhere.status, 429);
});

test('channels are ordered, moved between categories and deleted, and everybody sees it', async () => {
  const { owner, server, channel, guest } = await community();
  const hears = await listen(guest, second);
  const category = await newChannel(owner, server, { type: 'category', name: 'shelf' });
  const arranged = await owner.patch(`/servers/${server.id}/channels`, {
    channels: [{ id: channel.id, position: 7, parent_id: category.id }],
  });
  assert.equal(arranged.find((it) => it.id === channel.id).parent_id, category.id);
  await hears.event('channel.update', (d) => d.id === channel.id && d.parent_id === category.id && d.position === 7);
  await owner.delete(`/channels/${category.id}`);
  await hears.event('channel.delete', (d) => d.id === category.id);
  assert.equal((await guest.get(`/channels/${channel.id}`)).parent_id, null);
  await owner.delete(`/channels/${channel.id}`);
  await hears.event('channel.delete', (d) => d.id === channel.id);
  await guest.refused(404, 'GET', `/channels/${channel.id}`);
});

test('a server changes its name, its owner, and ends', async () => {
  const { owner, server, guest } = await community();
  const hears = await listen(guest, second);
  await guest.refused(403, 'PATCH', `/servers/${server.id}`, { name: 'mine now' });
  await owner.patch(`/servers/${server.id}`, { name: 'renamed', owner_id: guest.id });
  const update = await hears.event('server.update', (d) => d.name === 'renamed');
  assert.equal(update.owner_id, guest.id);
  await owner.refused(403, 'DELETE', `/servers/${server.id}`);
  await guest.delete(`/servers/${server.id}`);
  await hears.event('server.delete');
  await guest.refused(404, 'GET', `/servers/${server.id}`);
});

test('invites end by use, by age, and by being revoked', async () => {
  const { owner, server } = await community({ guests: 0 });
  const once = await owner.post(`/servers/${server.id}/invites`, { max_uses: 1 });
  const brief = await owner.post(`/servers/${server.id}/invites`, { max_age: 1 });
  const revoked = await owner.post(`/servers/${server.id}/invites`, {});
  await owner.delete(`/invites/${revoked.code}`);
  const crowd = await Promise.all(Array.from({ length: 5 }, () => newcomer()));
  const came = await Promise.all(crowd.map((it, i) => it.at(i % 2 ? first : second).call('POST', `/invites/${once.code}`)));
  assert.equal(came.filter((it) => it.status === 200).length, 1, 'one use, one guest');
  const late = crowd[came.findIndex((it) => it.status !== 200)];
  await late.refused(404, 'POST', `/invites/${revoked.code}`);
  await until('the end of the brief one', async () => [404, 410].includes((await late.call('GET', `/invites/${brief.code}`)).status), 3000);
  await late.refused([404, 410], 'POST', `/invites/${brief.code}`);
  await late.refused([403, 404], 'POST', `/servers/${server.id}/join`);
  await owner.patch(`/servers/${server.id}`, { is_public: true });
  await late.post(`/servers/${server.id}/join`);
  await letIn(owner, server, late);
  assert.equal((await owner.get(`/servers/${server.id}`)).member_count, 3);
});
