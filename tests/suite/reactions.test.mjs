// SPDX-License-Identifier: MIT
// Reactions: who gave a message which emoji, live, read again, and after having been away.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newcomer } from './lib/person.mjs';
import { community, letIn, newChannel } from './lib/place.mjs';
import { listen, open, resume } from './lib/socket.mjs';
import { first, gateways, second } from './lib/stack.mjs';
import { until } from './lib/wait.mjs';

const VIEW = 1n << 10n;
const ADD_REACTIONS = 1n << 6n;
const UNKNOWN_MESSAGE = 10008;
const UNKNOWN_EMOJI = 10014;
const MAX_REACTIONS = 30010;

const messageAt = (message) => `/channels/${message.channel_id}/messages/${message.id}`;
const at = (message, emoji) => `${messageAt(message)}/reactions/${encodeURIComponent(emoji)}`;
const add = (person, message, emoji) => person.put(at(message, emoji));
const remove = (person, message, emoji) => person.delete(at(message, emoji));
const read = (person, message) => person.get(messageAt(message));
const whoReacted = async (person, message, emoji, query = '') => (await person.get(at(message, emoji) + query)).map(({ id }) => id);

/** [["👍", 2, true], …]: emoji, count, whether it is said to be the reader's. */
const shown = ({ reactions }) => reactions.map(({ emoji, count, me }) => [emoji, count, me]);
const counts = ({ reactions }) => reactions.map(({ emoji, count }) => [emoji, count]);
/** Of a message told to everybody. */
const told = ({ reactions }) => {
  assert.ok(reactions.every((it) => !('me' in it)), 'an event says nobody is me');
  return counts({ reactions });
};
/** Whose reactions changed, said to who comes back; in no promised order. */
const changed = ({ reacted = [] }) => reacted.map(({ user_id, emoji, is_removed }) => [user_id, emoji, is_removed]).sort();

/** At a gateway that does not know the session; the only one is given an id it does not know. */
const resumeElsewhere = (person, lost) =>
  resume(person, lost, second, gateways.length > 1 ? {} : { session_id: 'from-elsewhere' });

/** Everything that happened so far has been told. */
async function settled(socket, owner, channel) {
  const { seq } = await owner.get(`/channels/${channel.id}`);
  await until('the channel to be told', () => socket.cursors[channel.id] === seq);
}

const numberOf = async (person, { channel_id: id }) => (await person.get(`/channels/${id}`)).seq;
const ofReactions = (socket) => socket.events.filter(({ t }) => t.startsWith('reaction.'));

test('two people see each other\'s reactions live and wherever they read', async () => {
  const { owner, channel, guest } = await community();
  const [ownerHears, guestHears] = [await listen(owner, first), await listen(guest, second)];
  const message = await owner.send(channel, 'how do you like it?');
  assert.deepEqual(message.reactions, []);
  assert.deepEqual((await guestHears.event('message.create')).reactions, []);

  await guest.at(second).put(at(message, '👍'));
  const heard = await ownerHears.event('reaction.add');
  assert.deepEqual(heard, {
    message_id: message.id, channel_id: channel.id, server_id: channel.server_id, user_id: guest.id, emoji: '👍', count: 1, rev: message.rev + 1,
  });
  assert.deepEqual(await guestHears.event('reaction.add'), heard);
  await add(owner, message, '👍');
  assert.equal((await guestHears.event('reaction.add')).count, 2);
  await add(owner, message, '🎉');
  assert.equal((await guestHears.event('reaction.add')).emoji, '🎉');

  const everywhere = async (person) => {
    const one = await read(person, message);
    const [listed] = await person.get(`/channels/${channel.id}/messages`);
    const { messages, seq } = await person.get(`/channels/${channel.id}/sync?after=${message.rev}`);
    assert.equal(one.rev, seq);
    assert.deepEqual([listed, messages.at(-1)], [one, one]);
    assert.equal(one.reacted, undefined);
    return shown(one);
  };
  assert.deepEqual(await everywhere(owner), [['👍', 2, true], ['🎉', 1, true]]);
  assert.deepEqual(await everywhere(guest), [['👍', 2, true], ['🎉', 1, undefined]]);

  await remove(guest, message, '👍');
  const { user_id, count, rev } = await ownerHears.event('reaction.remove');
  assert.deepEqual([user_id, count, rev], [guest.id, 1, message.rev + 4]);
  await remove(owner, message, '👍');
  assert.equal((await guestHears.event('reaction.remove', (d) => d.user_id === owner.id)).count, 0);
  assert.deepEqual(await everywhere(owner), [['🎉', 1, true]]);
  assert.deepEqual(await everywhere(guest), [['🎉', 1, undefined]]);
  assert.equal(ownerHears.disorder ?? ownerHears.jumps ?? guestHears.disorder ?? guestHears.jumps, undefined);
});

test('what changes nothing takes no number and is told nobody', async () => {
  const { owner, channel, guest } = await community();
  const hears = await listen(guest, second);
  const message = await owner.send(channel, 'once is enough');
  await remove(owner, message, '👍');
  await add(owner, message, '👍');
  await add(owner, message, '👍');
  await owner.at(second).put(at(message, '👍'));
  await Promise.all(gateways.map((base) => guest.at(base).put(at(message, '🎉'))));
  assert.equal(await numberOf(owner, message), message.rev + 2);
  await remove(owner, message, '👍');
  await remove(owner, message, '👍');
  await remove(guest, message, '👍');
  assert.equal(await numberOf(owner, message), message.rev + 3);
  await settled(hears, owner, channel);
  assert.deepEqual(ofReactions(hears).map(({ t, d }) => [t, d.emoji, d.count]), [
    ['reaction.add', '👍', 1], ['reaction.add', '🎉', 1], ['reaction.remove', '👍', 0],
  ]);
});

test('emoji stand in the order in which they came, also when the first user takes theirs back', async () => {
  const { owner, channel, guests: [ann, ben] } = await community({ guests: 2 });
  const message = await owner.send(channel, 'in order');
  await add(ann, message, '👍');
  await add(ben, message, '👀');
  await add(owner, message, '🎉');
  await add(ben, message, '👍');
  await remove(ann, message, '👍');
  assert.deepEqual(counts(await read(owner, message)), [['👍', 1], ['👀', 1], ['🎉', 1]]);
  await remove(ben, message, '👍');
  await add(ann, message, '👍');
  assert.deepEqual(counts(await read(owner, message)), [['👀', 1], ['🎉', 1], ['👍', 1]]);
});

test('many at once are all counted, each told with its own number', async () => {
  const { owner, channel, guests } = await community({ guests: 5 });
  const everybody = [owner, ...guests];
  const hears = await listen(owner, second);
  const message = await owner.send(channel, 'all together now');
  await Promise.all(everybody.flatMap((person, i) => ['👍', '🎉'].map((emoji) => person.at(gateways[i % gateways.length]).put(at(message, emoji)))));
  await settled(hears, owner, channel);
  for (const emoji of ['👍', '🎉']) {
    const events = ofReactions(hears).filter(({ d }) => d.emoji === emoji);
    assert.deepEqual(events.map(({ d }) => d.count), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(await whoReacted(owner, message, emoji), everybody.map(({ id }) => id).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)));
  }
  assert.deepEqual(new Map(counts(await read(owner, message))), new Map([['👍', 6], ['🎉', 6]]));
  assert.equal(hears.disorder ?? hears.jumps, undefined);
});

test('who reacted is told by pages', async () => {
  const { owner, channel, guests } = await community({ guests: 4 });
  const message = await owner.send(channel, 'who was it?');
  for (const guest of guests) await add(guest, message, '👀');
  const ids = guests.map(({ id }) => id).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const whole = await owner.get(at(message, '👀'));
  assert.deepEqual(whole.map(({ id }) => id), ids);
  const one = guests.find(({ id }) => id === ids[0]);
  assert.deepEqual(whole[0], {
    id: one.id, username: one.user.username, display_name: one.user.display_name, avatar_url: null, is_bot: false,
  });
  assert.deepEqual(await whoReacted(owner, message, '👀', '?limit=3'), ids.slice(0, 3));
  assert.deepEqual(await whoReacted(owner, message, '👀', `?limit=3&after=${ids[2]}`), ids.slice(3));
  assert.deepEqual(await whoReacted(owner, message, '👀', `?after=${ids[3]}`), []);
  assert.deepEqual(await whoReacted(owner, message, '🎉'), []);
  await owner.refused(400, 'GET', `${at(message, '👀')}?limit=101`);
  await remove(guests[1], message, '👀');
  assert.deepEqual(await whoReacted(owner, message, '👀'), ids.filter((id) => id !== guests[1].id));
});

test('only an emoji is one, and each has one spelling', async () => {
  const { owner, channel } = await community({ guests: 0 });
  const message = await owner.send(channel, 'with what?');
  for (const text of ['a', 'thumbsup', '1', '👍👍', '👍a', ' 👍', '👍\u200d', '\u200d', '\ufe0f', '🇩', 'ä', '<b>', "'"]) {
    for (const method of ['PUT', 'DELETE', 'GET']) {
      const { code, type } = await owner.refused(400, method, at(message, text));
      assert.deepEqual([code, type], [UNKNOWN_EMOJI, '/problems/unknown_emoji'], `${method} ${text}`);
    }
  }
  await owner.refused(400, 'PUT', at(message, '👍'.repeat(100)));
  for (const escape of ['%FF%FE', '%00', '%F0%9F%91', '%']) await owner.refused(400, 'PUT', `${messageAt(message)}/reactions/${escape}`);
  assert.deepEqual((await read(owner, message)).reactions, []);

  const hears = await listen(owner, second);
  const emoji = ['👩‍👩‍👧', '👩🏽‍💻', '🇩🇪', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣', '👍', '👍🏽', '🏳️‍🌈'];
  for (const one of emoji) await add(owner, message, one);
  for (const one of emoji) assert.equal((await hears.event('reaction.add')).emoji, one);
  await add(owner, message, '❤');
  assert.equal((await hears.event('reaction.add')).emoji, '❤️');
  await add(owner, message, '❤️');
  assert.deepEqual(counts(await read(owner, message)), [...emoji, '❤️'].map((it) => [it, 1]));
  assert.deepEqual(await whoReacted(owner, message, '❤'), [owner.id]);
  await remove(owner, message, '❤');
  assert.deepEqual(counts(await read(owner, message)), emoji.map((it) => [it, 1]));
});

test('a message has at most twenty different emoji, also when many arrive at once', async () => {
  const { owner, channel, guest } = await community();
  const message = await owner.send(channel, 'everything');
  const emoji = [...'😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏😐😑😒😓😔😕😖😗'];
  for (const one of emoji.slice(0, 17)) await add(owner, message, one);
  const given = await Promise.all(emoji.slice(17).map((one, i) => [owner, guest][i % 2].at(gateways[(i >> 1) % gateways.length]).call('PUT', at(message, one))));
  assert.equal(given.filter(({ status }) => status === 204).length, 3);
  assert.ok(given.every(({ status, body }) => status === 204 || body.code === MAX_REACTIONS), JSON.stringify(given));
  const full = await read(owner, message);
  assert.equal(full.reactions.length, 20);

  const { type } = await guest.refused(400, 'PUT', at(message, '🎉'));
  assert.equal(type, '/problems/max_reactions');
  await add(guest, message, emoji[0]);
  await remove(owner, message, emoji[1]);
  await add(guest, message, '🎉');
  const now = counts(await read(guest, message));
  assert.deepEqual([now.length, now[0], now.at(-1)], [20, [emoji[0], 2], ['🎉', 1]]);
});

test('who may not react is refused, and may take back what was given', async () => {
  const { owner, server, channel, guest } = await community();
  const everyone = `/channels/${channel.id}/overwrites/${server.id}`;
  const message = await owner.send(channel, 'not for everybody');
  await add(guest, message, '👍');
  await owner.put(everyone, { type: 'role', deny: String(ADD_REACTIONS) });
  await guest.refused(403, 'PUT', at(message, '🎉'));
  await guest.at(second).refused(403, 'PUT', at(message, '👍'));
  assert.deepEqual(await whoReacted(guest, message, '👍'), [guest.id]);
  await remove(guest, message, '👍');
  assert.deepEqual((await read(guest, message)).reactions, []);

  await owner.delete(everyone);
  await owner.patch(`/channels/${channel.id}`, { is_locked: true });
  assert.equal((await guest.refused(403, 'PUT', at(message, '🎉'))).type, '/problems/channel_locked');
  await owner.patch(`/channels/${channel.id}`, { is_locked: false });
  await add(guest, message, '🎉');

  const stranger = await newcomer();
  await owner.put(everyone, { type: 'role', deny: String(VIEW) });
  for (const method of ['PUT', 'DELETE', 'GET']) {
    await stranger.refused([403, 404], method, at(message, '🎉'));
    await guest.refused([403, 404], method, at(message, '🎉'));
  }
  assert.deepEqual(await whoReacted(owner, message, '🎉'), [guest.id]);
});

test('a message that is gone, or elsewhere, has no reactions', async () => {
  const { owner, server, channel, guest } = await community();
  const other = await newChannel(owner, server);
  const foreign = await community({ guests: 0 });
  await letIn(foreign.owner, foreign.server, guest);
  const message = await owner.send(channel, 'soon gone');
  await add(guest, message, '👍');
  const elsewhere = [{ ...message, channel_id: other.id }, { ...message, channel_id: foreign.channel.id }, { ...message, id: '1' }];
  await owner.delete(messageAt(message));
  for (const it of [message, ...elsewhere]) {
    for (const method of ['PUT', 'DELETE', 'GET']) {
      assert.equal((await guest.refused(404, method, at(it, '👍'))).code, UNKNOWN_MESSAGE, method);
    }
  }
  const { messages } = await guest.get(`/channels/${channel.id}/sync?after=0`);
  assert.deepEqual(messages.map(({ id, reactions }) => [id, reactions]), [[message.id, []]]);
});

test('reactions are nothing to read', async () => {
  const { owner, channel, guest } = await community();
  const state = async (person) => {
    const { unread, mentions, last_read_seq } = (await person.get('/users/me/read-states')).find((it) => it.channel_id === channel.id);
    return [unread, mentions, last_read_seq];
  };
  const message = await owner.send(channel, `look, <@${guest.id}>`);
  await guest.put(`/channels/${channel.id}/read`, { seq: message.seq });
  await add(owner, message, '👍');
  await add(guest, message, '👍');
  await remove(owner, message, '👍');
  assert.deepEqual(await state(guest), [0, 0, message.seq]);
  assert.deepEqual((await state(owner)).slice(0, 2), [0, 0]);
  const next = await owner.send(channel, 'and this');
  assert.equal(next.seq, message.seq + 4);
  assert.deepEqual(await state(guest), [1, 0, message.seq]);
  await add(owner, next, '🎉');
  assert.deepEqual(await state(guest), [1, 0, message.seq]);
  await guest.put(`/channels/${channel.id}/read`, { seq: next.seq + 1 });
  assert.deepEqual(await state(guest), [0, 0, next.seq + 1]);
});

test('by command it is the same', async () => {
  const { owner, channel, guest } = await community();
  const [ownerHears, socket] = [await listen(owner), await listen(guest, second)];
  const message = await owner.send(channel, 'by socket');
  const about = { channel_id: channel.id, message_id: message.id };
  assert.equal((await socket.request('messaging.reaction.add', { ...about, emoji: '❤' })).status, 204);
  assert.equal((await ownerHears.event('reaction.add')).emoji, '❤️');
  assert.deepEqual(shown(await socket.ask('message.get', about)), [['❤️', 1, true]]);
  assert.deepEqual((await socket.ask('reaction.list', { ...about, emoji: '❤️' })).map(({ id }) => id), [guest.id]);
  const wrong = await socket.request('reaction.add', { ...about, emoji: 'nice' });
  assert.deepEqual([wrong.status, wrong.d.code], [400, UNKNOWN_EMOJI]);
  await socket.ask('reaction.remove', { ...about, emoji: '❤️' });
  assert.equal((await ownerHears.event('reaction.remove')).count, 0);
});

test('an edit keeps the reactions; only who made it is told which are theirs', async () => {
  const { owner, channel, guest } = await community();
  const hears = await listen(owner, second);
  const message = await owner.send(channel, 'waht');
  await add(guest, message, '🎉');
  await add(owner, message, '👍');
  const edited = await owner.patch(messageAt(message), { content: 'what' });
  assert.deepEqual(shown(edited), [['🎉', 1, undefined], ['👍', 1, true]]);
  const event = await hears.event('message.update');
  assert.deepEqual([event.rev, told(event), event.reacted], [message.rev + 3, [['🎉', 1], ['👍', 1]], undefined]);
});

test('elsewhere, by cursors, who comes back is told the counts and whose reactions changed', async () => {
  const { owner, channel, guest } = await community();
  const old = await owner.send(channel, 'old');
  const untouched = await owner.send(channel, 'untouched');
  await add(guest, old, '👍');
  await add(guest, old, '🎉');
  await add(owner, untouched, '👍');
  const before = await listen(guest, first);
  await before.drop();
  await remove(guest, old, '👍');
  await add(owner, old, '👍');
  await add(guest, old, '👀');
  const fresh = await owner.send(channel, 'fresh');
  await add(guest, fresh, '👀');
  await add(owner, fresh, '👀');
  await remove(owner, fresh, '👀');

  const back = await resumeElsewhere(guest, before);
  assert.equal(back.resumed.op, 'resumed');
  assert.notEqual(back.resumed.d.session_id, before.sessionId);
  await settled(back, owner, channel);
  const update = await back.event('message.update');
  assert.deepEqual([update.id, update.rev, told(update)], [old.id, (await read(owner, old)).rev, [['🎉', 1], ['👍', 1], ['👀', 1]]]);
  const mine = (message) => changed(message).filter(([id]) => id === guest.id);
  // What changed before one left may be told again.
  const since = mine(update).filter(([, emoji]) => emoji !== '🎉');
  assert.deepEqual(since, [[guest.id, '👀', undefined], [guest.id, '👍', true]].sort());
  assert.ok(changed(update).some(([id, emoji, isRemoved]) => id === owner.id && emoji === '👍' && !isRemoved));
  const create = await back.event('message.create');
  assert.deepEqual([create.id, told(create), mine(create)], [fresh.id, [['👀', 1]], [[guest.id, '👀', undefined]]]);
  assert.equal(back.disorder, undefined);
  await remove(guest, fresh, '👀');
  assert.equal((await back.event('reaction.remove')).count, 0);
  assert.deepEqual(ofReactions(back), []);
});

test('a client that kept to the rules believes what REST says, however it came back', async () => {
  const { owner, channel, guest } = await community();
  const message = await owner.send(channel, 'believe it');
  let socket = await listen(guest, first);
  let mine = new Map();
  const believe = async () => {
    await settled(socket, owner, channel);
    for (const { t, d } of socket.events.splice(0)) {
      if (t === 'message.update') {
        mine = new Map(told(d).map(([emoji]) => [emoji, mine.get(emoji) ?? false]));
        for (const it of d.reacted ?? []) if (it.user_id === guest.id && mine.has(it.emoji)) mine.set(it.emoji, !it.is_removed);
      } else if (t.startsWith('reaction.')) {
        const isMine = d.user_id === guest.id ? t === 'reaction.add' : (mine.get(d.emoji) ?? false);
        if (d.count === 0) mine.delete(d.emoji);
        else mine.set(d.emoji, isMine);
      }
    }
    assert.deepEqual([...mine], shown(await read(guest, message)).map(([emoji, , me]) => [emoji, me === true]));
  };
  const away = [resumeElsewhere, (person, lost) => resume(person, lost, first)];
  for (let round = 0; round < 4; round++) {
    await add(owner, message, '👍');
    await add(guest, message, ['👍', '🎉', '👀', '❤️'][round]);
    await believe();
    await socket.drop();
    await add(owner, message, '👀');
    await remove(guest, message, ['👍', '🎉', '👀', '❤️'][round]);
    await add(guest, message, ['👀', '❤️', '👍', '🎉'][round]);
    await remove(owner, message, '👍');
    socket = await away[round % 2](guest, socket);
    assert.equal(socket.resumed.op, 'resumed');
    await believe();
  }
});

test('on the same gateway the reactions that were missed follow one by one', async () => {
  const { owner, channel, guest } = await community();
  const message = await owner.send(channel, 'wait for me');
  const before = await listen(guest, first);
  const witness = await listen(owner, first);
  await before.drop();
  await add(owner, message, '👍');
  await add(guest, message, '👍');
  await remove(owner, message, '👍');
  await settled(witness, owner, channel);
  const back = await resume(guest, before, first);
  assert.equal(back.resumed.d.session_id, before.sessionId);
  await settled(back, owner, channel);
  assert.deepEqual(ofReactions(back).map(({ t, d }) => [t, d.user_id, d.count]), [
    ['reaction.add', owner.id, 1], ['reaction.add', guest.id, 2], ['reaction.remove', owner.id, 1],
  ]);
  assert.equal(back.disorder ?? back.jumps, undefined);
});

test('reactions are a family of events of their own', async () => {
  const { owner, channel, guest } = await community();
  const [only, without] = await Promise.all([['reaction'], ['message']].map(async (intents) => {
    const socket = await open(second);
    socket.send({ op: 'identify', d: { token: guest.token, intents } });
    return socket.begin((await socket.next('ready')).d);
  }));
  const message = await owner.send(channel, 'who listens to what');
  await add(owner, message, '👍');
  await owner.patch(messageAt(message), { content: 'who listens' });
  await add(owner, message, '🎉');
  await only.event('reaction.add', (d) => d.emoji === '🎉');
  await without.event('message.update');
  await owner.delete(messageAt(message));
  await without.event('message.delete');
  assert.deepEqual([only, without].map((socket) => socket.events.map(({ t }) => t)), [['reaction.add'], ['message.create']]);
});
