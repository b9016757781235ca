// SPDX-License-Identifier: MIT
// When all is calm: is what every client believes what is there, and is what is there exactly what
// was acknowledged? Events may need a few seconds to arrive where their bearer was killed; what is
// still different after that is a violation.

import { isDeepStrictEqual } from 'node:util';
import { listen } from '../suite/lib/socket.mjs';
import { psql } from '../suite/lib/stack.mjs';
import { sleep, until } from '../suite/lib/wait.mjs';
import { judgeReactions, numbersTaken } from './ledger.mjs';

const CALM_MS = 15000;
const FRESH_MS = 10000;
const PAGE = 100;
const OUTBOXES = ['auth', 'messaging', 'media', 'moderation'];

/* ---- what is there ---- */

async function allChanges(owner, channelId) {
  const messages = [];
  let after = 0;
  for (;;) {
    const page = await owner.get(`/channels/${channelId}/sync?after=${after}&limit=${PAGE}`);
    messages.push(...page.messages);
    if (!page.has_more) return { seq: page.seq, messages };
    after = page.messages.at(-1).rev;
  }
}

async function readTruth(world) {
  const { owner, server } = world;
  const truth = { server: await owner.get(`/servers/${server.id}`), channels: new Map() };
  truth.roles = await owner.get(`/servers/${server.id}/roles`);
  truth.members = await owner.get(`/servers/${server.id}/members?limit=${PAGE}`);
  for (const channel of await owner.get(`/servers/${server.id}/channels`)) {
    truth.channels.set(channel.id, { json: channel, ...(await allChanges(owner, channel.id)) });
  }
  return truth;
}

/** The state somebody begins with who connects now; where a service is just back, soon. */
function freshState(client, gateway) {
  return until(`a fresh state of ${client.name}`, async () => {
    const socket = await listen(client.person, gateway);
    await socket.close();
    return socket.ready;
  }, FRESH_MS);
}

/* ---- what a client believes ---- */

const isGone = (message) => Boolean(message.deleted_at);

/** What a channel's own events do not carry changes with its messages. */
function comparable({ seq, rev, last_message_id: last, ...rest }) {
  return rest;
}

class Comparison {
  constructor() {
    this.found = [];
  }

  same(what, has, shall, about) {
    if (!isDeepStrictEqual(has, shall)) {
      this.found.push({ text: `${what} is ${JSON.stringify(has)} and shall be ${JSON.stringify(shall)}`, about });
    }
  }

  keys(what, has, shall, about) {
    this.same(`${what}: ids`, [...has.keys()].sort(), [...shall.keys()].sort(), about);
  }
}

function compareMessages(out, channel, truth, about) {
  const shall = new Map(truth.messages.filter(({ rev }) => rev > channel.from).map((it) => [it.id, it]));
  out.keys('messages', channel.messages, shall, about);
  for (const [id, it] of shall) {
    const has = channel.messages.get(id);
    if (!has) continue;
    out.same(`message ${id}: rev`, has.rev, it.rev, about);
    out.same(`message ${id}: deleted`, has.isDeleted === true, isGone(it), about);
    const isPartly = has.seq === undefined;
    if (isPartly) out.same(`message ${id}: was there before`, it.seq <= channel.from, true, about);
    else out.same(`message ${id}: seq`, has.seq, it.seq, about);
    if (!isGone(it) && !isPartly) out.same(`message ${id}: content`, has.content, it.content, about);
    if (!isGone(it) && !has.isDeleted) compareReactions(out, has.reactions, it, about);
  }
  out.same('channel: how far', channel.rev, truth.seq, about);
}

/** All of them in their order, or as many as it was told of. */
function compareReactions(out, has, { id, reactions }, about) {
  const shall = reactions.map(({ emoji, count }) => [emoji, count]);
  const told = shall.filter(([emoji]) => has.isWhole || has.entries.has(emoji));
  const sorted = (list) => (has.isWhole ? list : [...list].sort());
  out.same(`message ${id}: reactions`, sorted(has.counts()), sorted(told), about);
}

function compareMembers(out, server, truth, about) {
  if (!server.hasMembers) return;
  const has = new Map([...server.members].filter(([, member]) => !member.isGone));
  const shall = new Map(truth.members.map((member) => [member.user_id, member]));
  out.keys('members', has, shall, about);
  for (const [id, member] of shall) if (has.has(id)) out.same(`member ${id}`, has.get(id), member, about);
}

function compareServer(out, server, fresh, truth) {
  const about = fresh.id;
  const byRest = fresh.channels.map(({ id }) => truth.channels.get(id)?.json);
  out.same('fresh state: roles', fresh.roles, truth.roles, about);
  out.same('fresh state: channels', fresh.channels, byRest, about);
  for (const field of ['name', 'description', 'owner_id', 'is_public']) out.same(field, server.fields[field], fresh[field], about);
  const roles = new Map(fresh.roles.map((role) => [role.id, role]));
  out.keys('roles', server.roles, roles, about);
  for (const [id, role] of roles) out.same(`role ${id}`, server.roles.get(id), role, about);
  out.same('own membership', server.members.get(server.own), fresh.member, about);
  compareMembers(out, server, truth, about);
  out.keys('channels', server.channels, new Map(fresh.channels.map((channel) => [channel.id, channel])), about);
  for (const json of fresh.channels) {
    const channel = server.channels.get(json.id);
    if (!channel) continue;
    out.same(`channel ${json.id}`, comparable(channel.json), comparable(json), json.id);
    compareMessages(out, channel, truth.channels.get(json.id), json.id);
  }
}

/** Unread and mentions are counted by nobody: they follow from the messages. */
function compareReads(out, client, ready, truth) {
  for (const { channel_id: id, last_read_seq: seq, unread } of ready.read_states) {
    const channel = truth.channels.get(id);
    const known = client.replica.reads.get(id);
    if (known !== undefined) out.same('last read', known, seq, id);
    const live = channel.messages.filter((it) => !isGone(it) && it.author.id !== client.id && it.seq > seq);
    out.same('unread', unread, live.length, id);
  }
}

/** The position is the highest acknowledged, or one of which nobody knows; also of a channel it sees no more. */
function compareOwnReads(out, world, client) {
  const reads = world.writes.filter((it) => it.kind === 'read' && it.client.id === client.id && it.outcome === 'done');
  for (const { channelId, seq } of reads) {
    const is = client.replica.reads.get(channelId);
    if (is !== undefined && is < seq) out.found.push({ text: `read to ${seq} and stands at ${is}`, about: channelId });
  }
}

async function compareClient(world, client, truth, gateway) {
  const out = new Comparison();
  if (!client.isLive) {
    out.found.push({ text: 'has no session long after all is well' });
    return out.found;
  }
  const ready = await freshState(client, gateway);
  const fresh = ready.servers.find((server) => server.id === world.server.id);
  const server = client.replica.servers.get(world.server.id);
  out.same('is in the server', server !== undefined, fresh !== undefined, world.server.id);
  if (server && fresh) compareServer(out, server, fresh, truth);
  compareReads(out, client, ready, truth);
  compareOwnReads(out, world, client);
  return out.found;
}

async function compareAll(world) {
  const truth = await readTruth(world);
  const differences = await Promise.all(world.clients.map(async (client, i) => {
    const found = await compareClient(world, client, truth, world.gateways[i % world.gateways.length]);
    return found.map((difference) => ({ client, ...difference }));
  }));
  return { truth, differences: differences.flat() };
}

/** Until everybody believes what is there; what is different in the end is a violation. */
async function settle(world) {
  const end = Date.now() + CALM_MS;
  for (;;) {
    const { truth, differences } = await compareAll(world);
    if (differences.length === 0) return truth;
    if (Date.now() > end) {
      for (const { client, text, about } of differences) world.trace.violate(client.name, text, about);
      return truth;
    }
    await sleep(250);
  }
}

/* ---- what was acknowledged ---- */

function judgeSent(world, write, channel) {
  const { client, channelId, content, messageId, outcome } = write;
  const edits = world.writes.filter((it) => it.kind === 'edit' && it.messageId === messageId && messageId);
  const stored = channel.messages.filter((it) => it.id === messageId || it.content === content);
  const complain = (text) => world.trace.violate(client.name, `"${content}" (${messageId}): ${text}`, channelId);
  if (stored.length > 1) complain(`is there ${stored.length} times`);
  if (outcome === 'refused' && stored.length > 0) complain('was refused and is there');
  if (outcome !== 'done') return;
  if (stored.length === 0) return void complain('was acknowledged and is not there');
  const deletions = world.writes.filter((it) => it.kind === 'delete' && it.messageId === messageId);
  judgeContent(stored[0], { content, edits, deletions }, complain);
}

/** The last acknowledged edit, or one of which nobody knows. */
function judgeContent(message, { content, edits, deletions }, complain) {
  if (isGone(message)) {
    if (deletions.every((it) => it.outcome === 'refused')) complain('was deleted by nobody');
    return;
  }
  if (deletions.some((it) => it.outcome === 'done')) complain('was deleted and is there');
  const last = edits.filter((it) => it.outcome === 'done').at(-1)?.content ?? content;
  const unknown = edits.filter((it) => it.outcome === 'unknown').map((it) => it.content);
  if (![last, ...unknown].includes(message.content)) complain(`shall say "${last}" and says "${message.content}"`);
}

/** Numbers are dense: as many as there were changes, each of them once. A reaction in vain is none. */
function judgeNumbers(world, channel) {
  const { id } = channel.json;
  const complain = (text) => world.trace.violate('channel', text, id);
  const writes = world.writes.filter((it) => it.channelId === id && ['send', 'edit', 'delete'].includes(it.kind));
  const reactions = numbersTaken(world, id);
  const done = writes.filter((it) => it.outcome === 'done').length + reactions.sure;
  const unknown = writes.filter((it) => it.outcome === 'unknown').length + reactions.more;
  if (channel.seq < done || channel.seq > done + unknown) {
    complain(`has ${channel.seq} changes; ${done} were acknowledged and ${unknown} may have happened`);
  }
  const revs = channel.messages.map((it) => it.rev);
  if (new Set(revs).size !== revs.length) complain('has a number twice');
  if (revs.length > 0 && revs.at(-1) !== channel.seq) complain(`counts ${channel.seq} and its last change is ${revs.at(-1)}`);
  const bySeq = [...channel.messages].sort((a, b) => a.seq - b.seq);
  if (bySeq.some((it, i) => i > 0 && BigInt(it.id) <= BigInt(bySeq[i - 1].id))) complain('ids and numbers disagree about the order');
}

async function judgeHistory(world, channel) {
  const { id } = channel.json;
  const shall = channel.messages.filter((it) => !isGone(it)).map((it) => it.id);
  shall.sort((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1));
  const page = await world.owner.get(`/channels/${id}/messages?limit=${PAGE}`);
  if (!isDeepStrictEqual(page.map((it) => it.id), shall.slice(0, PAGE))) world.trace.violate('channel', 'history and sync disagree', id);
}

function judgeServer(world, truth) {
  const complain = (text) => world.trace.violate('server', text, world.server.id);
  const writes = world.writes.filter((it) => it.isStructural);
  const done = writes.filter((it) => it.outcome === 'done').length;
  const unknown = writes.filter((it) => it.outcome === 'unknown').length;
  const changes = truth.server.seq - world.base.seq;
  if (changes < done || changes > done + unknown) {
    complain(`has ${changes} changes; ${done} were acknowledged and ${unknown} may have happened`);
  }
  if (truth.server.member_count !== truth.members.length) {
    complain(`counts ${truth.server.member_count} members and has ${truth.members.length}`);
  }
  const names = [...truth.channels.values()].map((channel) => channel.json.name);
  for (const write of writes.filter((it) => it.kind === 'channel')) {
    const count = names.filter((name) => name === write.content).length;
    if (count > 1 || (write.outcome === 'done' && count === 0)) complain(`channel ${write.content} is there ${count} times`);
  }
}

function judgeMembers(world, truth) {
  for (const { id, name } of world.clients) {
    const member = truth.members.find((it) => it.user_id === id);
    const wrong = (key, is) => world.facts.isCertain(key) && world.facts.now(key) !== undefined && world.facts.now(key) !== is;
    if (wrong(`member ${id}`, member !== undefined)) world.trace.violate(name, `is ${member ? '' : 'not '}a member`, world.server.id);
    if (member && wrong(`insider ${id}`, member.roles.includes(world.insiders.id))) {
      world.trace.violate(name, `has roles ${member.roles}`, world.server.id);
    }
  }
}

/** After all seeds: nothing that was committed is left unpublished. */
export async function outboxesAreEmpty() {
  await until('every outbox to be empty', async () => {
    const counts = await Promise.all(OUTBOXES.map((schema) => psql(`SELECT count(*) FROM ${schema}.outbox`)));
    return counts.every(({ stdout }) => stdout.trim() === '0');
  }, CALM_MS);
}

/** The whole of it. */
export async function judge(world) {
  const truth = await settle(world);
  for (const channel of truth.channels.values()) {
    world.writes
      .filter((it) => it.kind === 'send' && it.channelId === channel.json.id)
      .forEach((it) => judgeSent(world, it, channel));
    judgeNumbers(world, channel);
    await judgeHistory(world, channel);
    await judgeReactions(world, channel);
  }
  judgeServer(world, truth);
  judgeMembers(world, truth);
}
