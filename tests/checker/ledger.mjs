// SPDX-License-Identifier: MIT
// What became of reactions: is who reacted exactly who was told so, do the numbers agree with them,
// and does everybody read and believe the same of themselves? What one user did with one emoji of a
// message is certain when every attempt was answered and none met another: two devices may meet.

import { isDeepStrictEqual } from 'node:util';

const PAGE = 100;

const pathOf = (channelId, messageId, emoji) =>
  `/channels/${channelId}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}?limit=${PAGE}`;

/** What each user did with each emoji of each message: {messageId, emoji, userId, acts}. */
function accounts(world, channelId) {
  const all = new Map();
  for (const act of world.writes) {
    if (act.kind !== 'react' || act.channelId !== channelId || act.outcome === 'refused') continue;
    const { messageId, emoji, client } = act;
    const key = `${messageId} ${emoji} ${client.id}`;
    if (!all.has(key)) all.set(key, { messageId, emoji, userId: client.id, acts: [] });
    all.get(key).acts.push(act);
  }
  return [...all.values()];
}

/** `acts` are in the order they began. */
function isCertain({ acts }) {
  const met = (act, i) => acts.slice(0, i).some((it) => it.client !== act.client && it.ended >= act.began);
  return acts.every((act, i) => act.outcome === 'done' && !met(act, i));
}

/** How many of the acts changed something, and how it is after them. */
function sumOf({ acts }) {
  let isThere = false;
  let changes = 0;
  for (const { isRemoval } of acts) {
    if (isThere === isRemoval) changes++;
    isThere = !isRemoval;
  }
  return { isThere, changes };
}

/** What reactions took of a channel's numbers: {sure, more}, of which `more` may have been taken. */
export function numbersTaken(world, channelId) {
  const taken = { sure: 0, more: 0 };
  for (const account of accounts(world, channelId)) {
    if (isCertain(account)) taken.sure += sumOf(account).changes;
    else taken.more += account.acts.length;
  }
  return taken;
}

/* ---- who reacted ---- */

function judgeUsers(world, channelId, { messageId, emoji, users, here }) {
  const complain = (text) => world.trace.violate('channel', `${emoji} of ${messageId}: ${text}`, channelId);
  const sorted = [...users].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  if (!isDeepStrictEqual(users, sorted) || new Set(users).size !== users.length) complain(`users are listed as ${users}`);
  for (const account of here) {
    const { userId } = account;
    if (isCertain(account) && sumOf(account).isThere !== users.includes(userId)) {
      complain(`${userId} is ${users.includes(userId) ? '' : 'not '}among those who reacted`);
    }
  }
  const may = new Set(here.filter(({ acts }) => acts.some((it) => !it.isRemoval)).map(({ userId }) => userId));
  for (const userId of users) if (!may.has(userId)) complain(`${userId} is said to have reacted and never did`);
}

/** Who reacted to a live message: emoji: user ids. `here`: its accounts. */
async function judgeMessage(world, channelId, message, here) {
  const listed = new Map();
  const counts = new Map(message.reactions.map(({ emoji, count }) => [emoji, count]));
  for (const emoji of new Set([...counts.keys(), ...here.map((it) => it.emoji)])) {
    const users = (await world.owner.get(pathOf(channelId, message.id, emoji))).map(({ id }) => id);
    listed.set(emoji, users);
    if (users.length !== (counts.get(emoji) ?? 0)) {
      world.trace.violate('channel', `${emoji} of ${message.id} counts ${counts.get(emoji)}: ${users}`, channelId);
    }
    judgeUsers(world, channelId, { messageId: message.id, emoji, users, here: here.filter((it) => it.emoji === emoji) });
  }
  return listed;
}

/* ---- what each is told of themselves ---- */

function judgeOwn(client, listed, message) {
  const complain = (text) => client.trace.violate(client.name, `message ${message.id}: ${text}`, message.channel_id);
  const known = client.replica.message(message)?.reactions;
  for (const [emoji, users] of listed) {
    const is = users.includes(client.id);
    const read = message.reactions.some((it) => it.emoji === emoji && it.me === true);
    if (read !== is) complain(`reads that it has ${read ? '' : 'not '}reacted with ${emoji}`);
    const believes = known?.me(emoji);
    if (believes !== undefined && believes !== is) complain(`believes that it has ${believes ? '' : 'not '}reacted with ${emoji}`);
  }
}

async function judgeReader(client, channel, listed) {
  const page = await client.person.get(`/channels/${channel.json.id}/messages?limit=${PAGE}`);
  const shall = new Map(channel.messages.map((it) => [it.id, it]));
  const plain = (list) => list.map(({ emoji, count }) => [emoji, count]);
  for (const message of page) {
    const truth = shall.get(message.id);
    if (!isDeepStrictEqual(plain(message.reactions), plain(truth.reactions))) {
      client.trace.violate(client.name, `message ${message.id}: reads ${JSON.stringify(message.reactions)}`, channel.json.id);
    }
    judgeOwn(client, listed.get(message.id), message);
  }
}

/** `channel`: as sync tells it. To be asked when everybody believes it. */
export async function judgeReactions(world, channel) {
  const { id } = channel.json;
  const all = accounts(world, id);
  const listed = new Map();
  for (const message of channel.messages.filter((it) => !it.deleted_at)) {
    listed.set(message.id, await judgeMessage(world, id, message, all.filter((it) => it.messageId === message.id)));
  }
  const readers = world.clients.filter((client) => client.replica.servers.get(world.server.id)?.channels.has(id));
  await Promise.all(readers.map((client) => judgeReader(client, channel, listed)));
}
