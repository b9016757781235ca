// SPDX-License-Identifier: MIT
// The long conversation: two people from sign-up to log-out, over both gateways, live.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, newcomer, random, register } from './lib/person.mjs';
import { community, newChannel } from './lib/place.mjs';
import { listen, open } from './lib/socket.mjs';
import { first, second } from './lib/stack.mjs';
import { until, within } from './lib/wait.mjs';

test('two people meet, talk, correct themselves, and part', async (t) => {
  const ann = await newcomer(first);
  const ben = await newcomer(second);
  let server, channel, annHears, benHears;

  await t.test('who one is, is what one registered', async () => {
    const me = await ann.get('/auth/me');
    assert.deepEqual(me, ann.user);
    assert.deepEqual(await ann.get('/users/me'), me);
    const seen = await ben.get(`/users/${ann.id}`);
    assert.equal(seen.username, ann.user.username);
    assert.equal(seen.email, undefined);
  });

  await t.test('an invite leads a second user in, and both hear of it live', async () => {
    annHears = await listen(ann);
    server = await ann.post('/servers', { name: 'The long conversation' });
    assert.equal(server.owner_id, ann.id);
    const whole = await annHears.event('server.create', (d) => d.id === server.id);
    assert.ok(Array.isArray(whole.channels));
    channel = await newChannel(ann, server, { name: 'talk', topic: 'what two people say' });
    await annHears.event('channel.create', (d) => d.id === channel.id);

    benHears = await listen(ben);
    const invite = await ann.post(`/servers/${server.id}/invites`, { max_uses: 1, max_age: 600 });
    const preview = await call(second, 'GET', `/invites/${invite.code}`);
    assert.equal(preview.body.server.id, server.id);
    assert.equal((await ben.post(`/invites/${invite.code}`)).id, server.id);
    assert.equal((await benHears.event('server.create')).id, server.id);
    assert.equal((await annHears.event('member.create')).user.id, ben.id);
    const late = await newcomer();
    await late.refused([404, 410], 'POST', `/invites/${invite.code}`);
  });

  await t.test('each sees what the other says, in order, with dense numbers', async () => {
    const said = [];
    for (let i = 0; i < 40; i++) {
      const [who, socket] = i % 2 ? [ben, benHears] : [ann, annHears];
      const fields = { channel_id: channel.id, content: `line ${i}`, nonce: random() };
      const message = i % 4 < 2 ? await who.send(channel, fields.content, { nonce: fields.nonce })
        : await socket.ask('message.create', fields);
      assert.equal(message.nonce, fields.nonce);
      assert.equal(message.author.id, who.id);
      said.push(message);
    }
    for (const socket of [annHears, benHears]) {
      for (const [i, message] of said.entries()) {
        const heard = await socket.event('message.create');
        assert.equal(heard.id, message.id, `event ${i}`);
        assert.equal(heard.seq, i + 1);
        assert.equal(heard.rev, i + 1);
      }
      assert.equal(socket.disorder, undefined);
      assert.equal(socket.jumps, undefined);
    }
  });

  await t.test('an edit, a reply and a deletion reach everybody and the history', async () => {
    const question = await ann.send(channel, 'waht?');
    const edited = await ann.patch(`/channels/${channel.id}/messages/${question.id}`, { content: 'what?' });
    assert.ok(edited.edited_at);
    assert.equal(edited.seq, question.seq);
    assert.equal(edited.rev, question.rev + 1);
    assert.equal((await benHears.event('message.update')).content, 'what?');

    const reply = await ben.send(channel, `<@${ann.id}> that`, { reply_to: question.id });
    assert.equal(reply.reply_to, question.id);
    assert.equal(reply.referenced.content, 'what?');
    assert.deepEqual(reply.mentions, [ann.id]);
    assert.equal((await annHears.event('message.create', (d) => d.id === reply.id)).referenced.author.id, ann.id);

    await ben.refused(403, 'PATCH', `/channels/${channel.id}/messages/${question.id}`, { content: 'mine' });
    await ben.refused(403, 'DELETE', `/channels/${channel.id}/messages/${question.id}`);
    await ann.delete(`/channels/${channel.id}/messages/${question.id}`);
    const gone = await benHears.event('message.delete');
    assert.equal(gone.id, question.id);
    assert.equal(gone.rev, reply.rev + 1);
    await ben.refused(404, 'GET', `/channels/${channel.id}/messages/${question.id}`);
    assert.equal((await ben.get(`/channels/${channel.id}/messages/${reply.id}`)).referenced.content, null);

    const sync = await ben.get(`/channels/${channel.id}/sync?after=${question.rev}`);
    assert.deepEqual(sync.messages.map((it) => [it.id, it.content]), [[reply.id, reply.content], [question.id, null]]);
    assert.equal(sync.seq, gone.rev);
    assert.equal(sync.has_more, false);
  });

  await t.test('what is unread is counted, and reading is told to one\'s other devices', async () => {
    const unread = async () => (await ann.get('/users/me/read-states')).find((it) => it.channel_id === channel.id);
    const before = await unread();
    assert.ok(before.unread > 0);
    assert.equal(before.mentions, 1);
    const { seq } = await ann.get(`/channels/${channel.id}`);
    await ann.put(`/channels/${channel.id}/read`, { seq });
    assert.equal((await annHears.event('read.update')).last_read_seq, seq);
    const after = await unread();
    assert.deepEqual([after.unread, after.mentions, after.last_read_seq], [0, 0, seq]);
    assert.equal(benHears.has('read.update'), false);
  });

  await t.test('who is kicked is out at once, everywhere', async () => {
    await ann.delete(`/servers/${server.id}/members/${ben.id}`);
    await ben.refused([403, 404], 'GET', `/channels/${channel.id}/messages`);
    await ben.at(first).refused([403, 404], 'POST', `/channels/${channel.id}/messages`, { content: 'still here?' });
    assert.equal((await benHears.event('server.leave')).server_id, server.id);
    assert.equal((await annHears.event('member.delete')).user_id, ben.id);
    const secret = await ann.send(channel, 'now that he is gone');
    await annHears.event('message.create', (d) => d.id === secret.id);
    await benHears.ask('account.get');
    assert.equal(benHears.has('message.create', (d) => d.id === secret.id), false);
    assert.deepEqual(await ben.get('/servers'), []);
  });

  await t.test('logging out ends the session on every gateway within a second', async () => {
    const elsewhere = await listen(ann, second);
    await ann.at(second).get('/auth/me');
    const since = Date.now();
    await ann.post('/auth/logout');
    for (const socket of [annHears, elsewhere]) {
      const { code, at } = await within(2000, 'the close', socket.closed);
      assert.equal(code, 4004);
      assert.ok(at - since < 1000, `closed after ${at - since} ms`);
    }
    for (const base of [first, second]) {
      await until('401', async () => (await ann.at(base).call('GET', '/auth/me')).status === 401, 1000);
      const late = await open(base);
      late.send({ op: 'identify', d: { token: ann.token } });
      assert.equal((await within(2000, 'the close', late.closed)).code, 4004);
    }
    const refused = await call(first, 'POST', '/auth/refresh', { body: { refresh_token: ann.refreshToken } });
    assert.equal(refused.status, 401);
  });
});

test('a refresh token works once; using it again ends the whole family', async () => {
  const carla = await newcomer();
  const exchange = (token, base = first) => call(base, 'POST', '/auth/refresh', { body: { refresh_token: token } });

  const next = await exchange(carla.refreshToken);
  assert.equal(next.status, 200);
  assert.notEqual(next.body.refresh_token, carla.refreshToken);
  const third = await exchange(next.body.refresh_token, second);
  assert.equal(third.status, 200);
  carla.accept(third.body);
  await carla.get('/auth/me');

  const reused = await exchange(next.body.refresh_token);
  assert.equal(reused.status, 401);
  assert.equal(reused.body.type, '/problems/refresh_reused');
  const now = await exchange(third.body.refresh_token);
  assert.equal(now.status, 401);
  await until('the access token to end', async () => (await carla.call('GET', '/auth/me')).status === 401, 1000);
});

test('a thousand messages are read by cursor, each once, from either end and around', async () => {
  const { owner, channel } = await community({ guests: 0 });
  const sent = [];
  const batch = 25;
  for (let i = 0; i < 1000; i += batch) {
    sent.push(...(await Promise.all(Array.from({ length: batch }, (_, k) => owner.send(channel, `message ${i + k}`)))));
  }
  const expected = sent.sort((a, b) => a.seq - b.seq).map((it) => it.id);
  assert.deepEqual(sent.map((it) => it.seq), Array.from({ length: 1000 }, (_, i) => i + 1));
  const page = (query) => owner.get(`/channels/${channel.id}/messages?${query}`);

  const back = [];
  for (let before = ''; ;) {
    const got = await page(`limit=100${before}`);
    if (got.length === 0) break;
    back.push(...got.map((it) => it.id));
    before = `&before=${got.at(-1).id}`;
  }
  assert.deepEqual(back, [...expected].reverse());

  const forth = [];
  for (let after = expected[0]; ;) {
    const got = await page(`limit=73&after=${after}`);
    if (got.length === 0) break;
    forth.push(...got.map((it) => it.id).reverse());
    after = forth.at(-1);
  }
  assert.deepEqual(forth, expected.slice(1));

  const around = await page(`limit=50&around=${expected[500]}`);
  assert.equal(around.length, 50);
  assert.ok(around.some((it) => it.id === expected[500]));
  const at = expected.indexOf(around.at(-1).id);
  assert.deepEqual(around.map((it) => it.id).reverse(), expected.slice(at, at + 50));
  assert.equal((await page('')).length, 50);
  await owner.refused(400, 'GET', `/channels/${channel.id}/messages?limit=101`);
});

test('the same name twice is refused, whatever its case', async () => {
  const dora = await newcomer();
  for (const fields of [{ username: dora.user.username.toUpperCase() }, { email: dora.user.email.toUpperCase() }]) {
    const body = { username: `u${random()}`, email: `${random()}@example.org`, password: 'correct horse', ...fields };
    const given = await call(second, 'POST', '/auth/register', { body });
    assert.equal(given.status, 409, given.text);
  }
  await assert.rejects(register(first, { password: 'short' }), /400/);
});
