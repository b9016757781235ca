// SPDX-License-Identifier: MIT
// What the clients of a seed do. A script is a list of steps with numbers; which channel or message
// a number means is decided when its turn comes, by what the client sees then.

import { sleep } from '../suite/lib/wait.mjs';
import { EMOJI } from './reactions.mjs';
import { VIEW_CHANNEL } from './world.mjs';

const MEMBER_STEPS = {
  send: 34, burst: 6, twins: 5, edit: 14, remove: 8, react: 26, flurry: 4, missed: 8, read: 10, peek: 4, beat: 3, drop: 6, hop: 5,
  cut: 5, slow: 4, stall: 4,
};
const OWNER_STEPS = {
  send: 20, edit: 6, remove: 3, react: 8, read: 4, drop: 3, hop: 3, cut: 3, stage: 14, insider: 18, channel: 6, role: 6, topic: 6,
};
const ROAMING_STEPS = { ...MEMBER_STEPS, roam: 16 };
/** Everybody reacts to the newest messages, so that they meet there. */
const REACTED = 3;

export function write(random, client, spanMs) {
  const weights = client.name === 'owner' ? OWNER_STEPS : client.isRoaming ? ROAMING_STEPS : MEMBER_STEPS;
  const steps = [];
  for (let at = random.between(0, 250); at < spanMs; at += random.between(20, 320)) {
    steps.push({ at, step: random.weighted(weights), n: random.between(0, 1e6), m: random.between(0, 1e6) });
  }
  return steps;
}

/** Runs a script: a step is never early, and begins when the one before it has ended. */
export async function perform(client, steps) {
  const from = Date.now();
  for (const it of steps) {
    await sleep(Math.max(0, from + it.at - Date.now()));
    await play[it.step](client, it);
  }
}

/** A way to ask: half by socket, a few only once. */
const manner = ({ m }) => ({ bySocket: m % 10 < 4, once: m % 7 === 0 });

function somewhere(client, n) {
  const server = client.replica.servers.get(client.world.server.id);
  const ids = [...(server?.channels.values() ?? [])].filter(({ json }) => json.type === 'text').map(({ json }) => json.id);
  return ids.length > 0 ? ids.sort()[n % ids.length] : undefined;
}

const ofMine = (client, n) => {
  const live = client.mine.filter((it) => !it.isRemoved);
  return live[n % live.length];
};

async function send(client, channelId, how, key = client.newKey()) {
  const { world } = client;
  const content = `m ${key}`;
  const body = { content, nonce: key };
  const entry = world.begin(client, { kind: 'send', channelId, content });
  const request = {
    method: 'POST', path: `/channels/${channelId}/messages`, body, name: 'messaging.message.create', params: { channel_id: channelId },
  };
  world.end(entry, await client.persist(request, how));
  world.judge(entry);
  if (entry.outcome === 'done') client.mine.push(entry);
}

/** A message it knows as live, anybody's: {channelId, messageId, reactions}. */
function something(client, n) {
  const channelId = somewhere(client, n);
  const channel = client.replica.servers.get(client.world.server.id)?.channels.get(channelId);
  if (!channel) return undefined;
  const live = liveOf(channel).slice(-REACTED);
  return live.length > 0 ? { channelId, ...live[Math.floor(n / 10) % live.length] } : undefined;
}

/** {messageId, reactions} of each, oldest first. */
const liveOf = ({ messages }) =>
  [...messages].filter(([, it]) => !it.isDeleted).map(([messageId, { reactions }]) => ({ messageId, reactions }));

const isMine = ({ reactions }, emoji) => reactions.me(emoji) === true;

/** All its own reactions: {channelId, messageId, reactions, emoji}. */
function reactedTo(client) {
  const channels = client.replica.servers.get(client.world.server.id)?.channels ?? new Map();
  const messages = [...channels].flatMap(([channelId, channel]) => liveOf(channel).map((it) => ({ channelId, ...it })));
  return messages.flatMap((it) => EMOJI.filter((emoji) => isMine(it, emoji)).map((emoji) => ({ ...it, emoji })));
}

async function react(client, { channelId, messageId, emoji, isRemoval }, how) {
  const { world } = client;
  const entry = world.begin(client, { kind: 'react', channelId, messageId, emoji, isRemoval });
  const request = {
    method: isRemoval ? 'DELETE' : 'PUT', key: client.newKey(),
    path: `/channels/${channelId}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`,
    name: `messaging.reaction.${isRemoval ? 'remove' : 'add'}`, params: { channel_id: channelId, message_id: messageId, emoji },
  };
  world.end(entry, await client.persist(request, how));
  world.judge(entry);
}

async function toggleAll(client, it) {
  const about = something(client, it.n);
  if (!about) return;
  const toggle = (emoji) => react(client, { ...about, emoji, isRemoval: isMine(about, emoji) }, manner(it));
  await Promise.all(EMOJI.map(toggle));
}

const play = {
  async send(client, it) {
    const channelId = somewhere(client, it.n);
    if (channelId) await send(client, channelId, manner(it));
  },

  /** Several at once: they share a commit. */
  async burst(client, it) {
    const channelId = somewhere(client, it.n);
    if (channelId) await Promise.all([0, 1, 2, 3].map(() => send(client, channelId, manner(it))));
  },

  /** The same message to every gateway at the same moment: there is only one. */
  async twins(client, it) {
    const channelId = somewhere(client, it.n);
    if (!channelId) return;
    const { world } = client;
    const key = client.newKey();
    const entry = world.begin(client, { kind: 'send', channelId, content: `m ${key}` });
    const request = { method: 'POST', path: `/channels/${channelId}/messages`, body: { content: entry.content, nonce: key } };
    const both = await Promise.all(client.wires.map(async (_, gateway) => {
      const given = await client.attempt(request, gateway);
      return given && given.status < 500 ? given : client.persist(request);
    }));
    const ids = new Set(both.filter((given) => given?.status === 201).map((given) => given.body.id));
    if (ids.size > 1) world.trace.violate(client.name, `one nonce made messages ${[...ids].join(' and ')}`, channelId);
    world.end(entry, both.find((given) => given?.status === 201) ?? both[0]);
    if (ids.size === 1) client.mine.push(entry);
  },

  async edit(client, it) {
    const mine = ofMine(client, it.n);
    if (!mine) return;
    const { world } = client;
    const { channelId, messageId } = mine;
    const key = client.newKey();
    const body = { content: `e ${key}` };
    const entry = world.begin(client, { kind: 'edit', channelId, messageId, content: body.content });
    const request = {
      method: 'PATCH', path: `/channels/${channelId}/messages/${messageId}`, body, key,
      name: 'messaging.message.update', params: { channel_id: channelId, message_id: messageId },
    };
    world.end(entry, await client.persist(request, manner(it)));
    world.judge(entry);
  },

  async remove(client, it) {
    const mine = ofMine(client, it.n);
    if (!mine) return;
    const { world } = client;
    const { channelId, messageId } = mine;
    const entry = world.begin(client, { kind: 'delete', channelId, messageId });
    const request = {
      method: 'DELETE', path: `/channels/${channelId}/messages/${messageId}`, key: client.newKey(),
      name: 'messaging.message.delete', params: { channel_id: channelId, message_id: messageId },
    };
    world.end(entry, await client.persist(request, manner(it)));
    mine.isRemoved = entry.outcome !== 'refused';
    world.judge(entry);
  },

  /** Mostly the other way than it believes to be, sometimes in vain; often what it once gave. */
  async react(client, it) {
    const mine = reactedTo(client);
    const isOld = mine.length > 0 && Math.floor(it.m / 1000) % 3 > 0;
    const about = isOld ? mine[it.n % mine.length] : something(client, it.n);
    if (!about) return;
    const emoji = about.emoji ?? EMOJI[Math.floor(it.n / 1000) % EMOJI.length];
    const isVain = Math.floor(it.m / 100) % 8 === 0;
    await react(client, { ...about, emoji, isRemoval: isMine(about, emoji) !== isVain }, manner(it));
  },

  /** All the emoji at once: each is told in the order it was counted in. */
  async flurry(client, it) {
    await toggleAll(client, it);
  },

  /** While away: what it did itself it is told when it is back, elsewhere or here. */
  async missed(client, it) {
    client.drop((client.gateway + (it.m % 4 === 0 ? 0 : 1)) % client.wires.length);
    await toggleAll(client, it);
  },

  async read(client, it) {
    const channelId = somewhere(client, it.n);
    const channel = client.replica.servers.get(client.world.server.id)?.channels.get(channelId);
    if (!channel) return;
    const seq = Math.max(0, channel.rev - (it.m % 3));
    const entry = client.world.begin(client, { kind: 'read', channelId, seq });
    const request = { method: 'PUT', path: `/channels/${channelId}/read`, body: { seq }, key: client.newKey() };
    client.world.end(entry, await client.persist(request, { once: it.m % 5 === 0 }));
    client.world.judge(entry);
  },

  /** Reads where it may have no right to. */
  async peek(client, it) {
    const { world } = client;
    const channelId = [world.stage.id, world.vault.id][it.n % 2];
    const began = Date.now();
    const given = await client.attempt({ method: 'GET', path: `/channels/${channelId}/messages?limit=1` });
    if (given?.status === 200 && world.mustNotSee(client.id, channelId, began, Date.now())) {
      world.trace.violate(client.name, 'was shown messages of a channel hidden from it', channelId);
    }
  },

  async beat(client) {
    client.beat();
  },

  async drop(client) {
    client.drop(client.gateway);
  },

  async hop(client) {
    client.drop((client.gateway + 1) % client.wires.length);
  },

  /** Requests under way lose their answers as well. */
  async cut(client) {
    for (const wire of client.wires) wire.cut();
  },

  async slow(client, it) {
    for (const wire of client.wires) wire.delay(20 + (it.n % 150), 400);
  },

  async stall(client, it) {
    client.wires[client.gateway].stall(200 + (it.n % 600));
  },

  /** Leaves and comes back by the invite. */
  async roam(client) {
    const { world } = client;
    const fact = `member ${client.id}`;
    const isIn = world.facts.now(fact);
    const change = world.facts.begin(fact, !isIn);
    const entry = world.begin(client, { kind: isIn ? 'leave' : 'join' });
    const request = isIn
      ? { method: 'DELETE', path: `/servers/${world.server.id}/members/@me`, key: client.newKey() }
      : { method: 'POST', path: `/invites/${world.invite.code}`, key: client.newKey() };
    await structural(entry, fact, change, await client.persist(request));
  },

  /** Shows the stage to everybody, or hides it. */
  async stage(client) {
    const { world } = client;
    const isShown = !world.facts.now('stage');
    const change = world.facts.begin('stage', isShown);
    const entry = world.begin(client, { kind: isShown ? 'show stage' : 'hide stage' });
    const path = `/channels/${world.stage.id}/overwrites/${world.server.id}`;
    const request = isShown
      ? { method: 'DELETE', path, key: client.newKey() }
      : { method: 'PUT', path, body: { type: 'role', deny: VIEW_CHANNEL }, key: client.newKey() };
    await structural(entry, 'stage', change, await client.persist(request));
  },

  /** Gives somebody the role that opens the vault, or takes it. */
  async insider(client, it) {
    const { world } = client;
    const { id, name } = world.candidates[it.n % world.candidates.length];
    const fact = `insider ${id}`;
    const isIn = !world.facts.now(fact);
    const change = world.facts.begin(fact, isIn);
    const entry = world.begin(client, { kind: `${isIn ? 'grant' : 'revoke'} ${name}` });
    const path = `/servers/${world.server.id}/members/${id}/roles/${world.insiders.id}`;
    await structural(entry, fact, change, await client.persist({ method: isIn ? 'PUT' : 'DELETE', path, key: client.newKey() }));
  },

  async channel(client, it) {
    const { world } = client;
    const key = client.newKey();
    const entry = world.begin(client, { kind: 'channel', content: `c-${key}`.toLowerCase() });
    const request = { method: 'POST', path: `/servers/${world.server.id}/channels`, body: { name: entry.content, type: 'text' }, key };
    await structural(entry, undefined, undefined, await client.persist(request, { once: it.m % 4 === 0 }));
  },

  async role(client, it) {
    const { world } = client;
    const entry = world.begin(client, { kind: 'role' });
    const path = `/servers/${world.server.id}/roles/${world.insiders.id}`;
    const request = { method: 'PATCH', path, body: { color: it.n % 0xffffff }, key: client.newKey() };
    await structural(entry, undefined, undefined, await client.persist(request));
  },

  async topic(client, it) {
    const { world } = client;
    const channelId = [world.stage.id, world.vault.id, world.hall.id][it.n % 3];
    const entry = world.begin(client, { kind: 'topic', topicOf: channelId, topic: `t ${it.m}` });
    const request = { method: 'PATCH', path: `/channels/${channelId}`, body: { topic: entry.topic }, key: client.newKey() };
    await structural(entry, undefined, undefined, await client.persist(request));
  },
};

/** A change of the server itself: the next number of the server is its. */
async function structural(entry, fact, change, given) {
  const { world } = entry.client;
  entry.isStructural = true;
  world.end(entry, given);
  if (entry.outcome === 'refused') {
    world.trace.violate(entry.client.name, `${entry.kind} was refused: ${given.status} ${given.text}`, world.server.id);
    if (fact) world.facts.undo(fact, change);
  }
  if (fact && entry.outcome === 'done') world.facts.settle(change);
}
