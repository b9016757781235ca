// SPDX-License-Identifier: MIT
// The bus from an integrator's and from an intruder's side: what events look like there, and that no
// service's user can speak for another.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bus } from './lib/nats.mjs';
import { community } from './lib/place.mjs';
import { natsUrl } from './lib/stack.mjs';

async function withBus(user, body) {
  const bus = new Bus(natsUrl(user));
  try {
    await bus.flush();
    await body(bus);
  } finally {
    bus.close();
  }
}

const violations = (bus) => bus.errors.filter((it) => /Permissions Violation/i.test(it));

// Of whom a user may ask requests; the gateway may ask everybody.
const foreign = {
  auth: ['rpc.messaging.message.create', 'rpc.media.file.open'],
  messaging: ['rpc.moderation.ban.create', 'rpc.voice.signal.send'],
  media: ['rpc.auth.user.get', 'rpc.voice.signal.send'],
  presence: ['rpc.auth.user.get', 'rpc.media.file.get'],
  moderation: ['rpc.auth.account.create', 'rpc.media.file.delete'],
  voice: ['rpc.auth.user.get', 'rpc.moderation.member.kick'],
};
const own = {
  auth: 'evt.v1.1.i.1.user.update',
  messaging: 'evt.v1.1.s.1.c.1.message.create',
  presence: 'evt.v1.1.s.1.presence.update',
  voice: 'evt.v1.1.s.1.c.1.voice.join',
};

for (const [user, requests] of Object.entries(foreign)) {
  test(`${user} cannot speak for another service, nor listen in`, async () => {
    await withBus(user, async (bus) => {
      const events = Object.entries(own).filter(([name]) => name !== user).map(([, subject]) => subject);
      const rooms = user === 'voice' ? [] : ['$KV.voice.room.1.1', '$JS.API.STREAM.INFO.KV_voice', '$JS.API.STREAM.MSG.GET.KV_voice', '$JS.API.STREAM.PURGE.KV_voice'];
      const denied = [...requests, ...events, ...rooms, '$JS.API.STREAM.DELETE.EVENTS', '$JS.API.STREAM.PURGE.EVENTS', '$SYS.REQ.SERVER.PING', 'anything'];
      for (const subject of denied) {
        const before = violations(bus).length;
        await bus.publish(subject, '{}');
        assert.equal(violations(bus).length, before + 1, `${user} may publish ${subject}`);
      }
      const others = Object.keys(foreign).filter((name) => name !== user);
      for (const subject of [...others.map((name) => `rpc.${name}.>`), '_INBOX.>', '_INBOX.gateway.>', 'rpc.>', '>', '$SYS.>', '$KV.>']) {
        const before = violations(bus).length;
        await bus.subscribe(subject, 100 + before);
        assert.equal(violations(bus).length, before + 1, `${user} may subscribe ${subject}`);
      }
    });
  });
}

test('voice writes and tidies the bucket of its rooms, cannot take it away and reaches no other', async () => {
  await withBus('voice', async (bus) => {
    const own = ['CREATE', 'UPDATE', 'INFO', 'MSG.GET', 'PURGE'].map((verb) => `$JS.API.STREAM.${verb}.KV_voice`);
    // What is no JSON has no effect.
    for (const subject of own) await bus.publish(subject, 'no JSON');
    assert.deepEqual(violations(bus), []);
    const others = [
      ...own.map((subject) => subject.replace('KV_voice', 'KV_other')),
      ...['DELETE', 'MSG.DELETE', 'SNAPSHOT', 'RESTORE', 'PEER.REMOVE'].map((verb) => `$JS.API.STREAM.${verb}.KV_voice`),
      '$JS.API.STREAM.MSG.GET.EVENTS', '$JS.API.STREAM.NAMES', '$JS.API.STREAM.LIST', '$KV.other.room',
      '$JS.API.CONSUMER.CREATE.KV_voice', '$JS.API.CONSUMER.DURABLE.CREATE.KV_voice.thief', '$JS.API.DIRECT.GET.KV_voice',
    ];
    for (const subject of others) {
      const before = violations(bus).length;
      await bus.publish(subject, '{}');
      assert.equal(violations(bus).length, before + 1, `voice may publish ${subject}`);
    }
  });
});

test('the gateway asks, and neither answers nor makes durable events', async () => {
  await withBus('gateway', async (bus) => {
    for (const subject of Object.values(own)) await bus.publish(subject, '{}');
    assert.equal(violations(bus).length, Object.keys(own).length);
    await bus.subscribe('rpc.auth.>');
    assert.equal(violations(bus).length, Object.keys(own).length + 1);
  });
});

test('nobody gets on the bus without a password', async () => {
  for (const change of [(url) => { url.password = 'wrong'; }, (url) => { url.username = ''; url.password = ''; }]) {
    const url = new URL(natsUrl('gateway'));
    change(url);
    const bus = new Bus(url.href);
    await assert.rejects(bus.flush());
    bus.close();
  }
});

test('an event is a CloudEvent on the subject its name promises', async () => {
  const { owner, server, channel } = await community({ guests: 0 });
  await withBus('operator', async (bus) => {
    await bus.subscribe(`evt.v1.*.s.${server.id}.c.*.message.*`);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const message = await owner.post(`/channels/${channel.id}/messages`, { content: 'to the bus' }, { headers: { traceparent } });
    const { subject, headers, body } = await bus.message(/message\.create$/);
    assert.equal(subject, `evt.v1.${owner.user.app_id}.s.${server.id}.c.${channel.id}.message.create`);
    assert.equal(headers['ce-specversion'], '1.0');
    assert.equal(headers['ce-type'], 'parley.message.create');
    assert.equal(headers['ce-source'], '/services/messaging');
    assert.match(headers['ce-time'], /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(headers['ce-id']);
    assert.equal(headers['Nats-Msg-Id'], headers['ce-id']);
    assert.equal(headers.traceparent?.split('-')[1], traceparent.split('-')[1], 'the trace goes on');
    const event = JSON.parse(body);
    assert.deepEqual([event.id, event.content, event.seq], [message.id, 'to the bus', 1]);
    await owner.delete(`/channels/${channel.id}/messages/${message.id}`);
    assert.equal(JSON.parse((await bus.message(/message\.delete$/)).body).id, message.id);
  });
});
