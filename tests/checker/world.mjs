// SPDX-License-Identifier: MIT
// The server a seed happens on, and what all its clients together know: every write and what became
// of it, who could see what when, and what each number of a channel was said to be.

import { register } from '../suite/lib/person.mjs';
import { until } from '../suite/lib/wait.mjs';
import { Client } from './client.mjs';
import { Facts } from './facts.mjs';
import { Wire } from './wire.mjs';

export const VIEW_CHANNEL = '1024';
const MEMBERS = 8;
/** Two members come and go; a third has a second device. */
const ROAMING = 2;
const NOTICED_MS = 1000;
/** This machine's own slowness. */
const SLACK_MS = 300;
/** With its bearer killed, news waits for the relay of the outbox. */
const RELAYED_MS = 7000;

/** The seed before may have been hard on the services: an attempt may still be refused. */
const signUp = (gateway) => until('an account', () => register(gateway), 10000);

/** The message was deleted meanwhile. */
const UNKNOWN_MESSAGE = 10008;

/** What somebody did with an emoji, as they and whoever hears of it name it. */
const actOf = (messageId, emoji, userId, isRemoval) => `${messageId} ${emoji} ${userId} ${isRemoval}`;

/** What a message event says its number is. */
function stateOf(type, { id, content, reactions = [] }) {
  if (type === 'message.delete') return { id, text: `${id} deleted` };
  const counts = new Map(reactions.map(({ emoji, count }) => [emoji, count]));
  return { id, counts, text: `${id} ${content} ${[...counts].flat().join(' ')}` };
}

/** What a reaction event says its number is. */
function changeOf(type, { message_id: id, emoji, count, user_id: userId }) {
  return { id, emoji, count, text: `${id} ${type} ${emoji} ${count} ${userId}` };
}

/** A reaction and the message it made. */
function fits({ message, reaction }) {
  if (!message || !reaction) return true;
  return message.id === reaction.id && message.counts !== undefined && (message.counts.get(reaction.emoji) ?? 0) === reaction.count;
}

const nameOf = ({ kind, messageId = '', content = '', emoji, isRemoval }) =>
  `${kind} ${messageId} ${emoji ? `${isRemoval ? '-' : '+'}${emoji}` : content}`;

export class World {
  constructor(seed, trace, faults) {
    Object.assign(this, { seed, trace, faults });
    this.facts = new Facts();
    this.writes = [];
    this.said = new Map(); /* channel id: rev: what it is */
    this.sentAt = new Map(); /* content, or what was done with an emoji: when it first began */
    this.deadline = Infinity;
    this.clients = [];
    this.wires = [];
  }

  /* ---- making it ---- */

  async build(gateways, random) {
    this.gateways = gateways;
    const people = await Promise.all(Array.from({ length: MEMBERS + 1 }, (_, i) => signUp(gateways[i % gateways.length])));
    const [owner, ...members] = people;
    this.owner = owner;
    this.server = await owner.post('/servers', { name: `seed ${this.seed}` });
    this.insiders = await owner.post(`/servers/${this.server.id}/roles`, { name: 'insiders' });
    this.stage = await this.newChannel({ name: 'stage' });
    this.vault = await this.newChannel({
      name: 'vault',
      overwrites: [
        { id: this.server.id, type: 'role', deny: VIEW_CHANNEL },
        { id: this.insiders.id, type: 'role', allow: VIEW_CHANNEL },
      ],
    });
    this.hall = await this.newChannel({ name: 'hall' });
    this.invite = await owner.post(`/servers/${this.server.id}/invites`, {});
    for (const member of members) await member.post(`/invites/${this.invite.code}`);
    for (const member of members) {
      this.facts.set(`member ${member.id}`, true);
      this.facts.set(`insider ${member.id}`, false);
    }
    this.facts.set('stage', true);
    this.base = await owner.get(`/servers/${this.server.id}`);
    await this.addClient('owner', owner, random);
    for (const [i, member] of members.entries()) {
      const client = await this.addClient(`member${i + 1}`, member, random);
      client.isRoaming = i < ROAMING;
    }
    await this.addClient(`member${MEMBERS}b`, members[MEMBERS - 1], random);
  }

  newChannel(fields) {
    return this.owner.post(`/servers/${this.server.id}/channels`, { type: 'text', ...fields });
  }

  async addClient(name, person, random) {
    const wires = await Promise.all(this.gateways.map((gateway) => Wire.open(gateway)));
    this.wires.push(...wires);
    const client = new Client(name, person, wires, this, random.fork());
    this.clients.push(client);
    return client;
  }

  /** Those who may be given the role: who comes and goes would lose it at some moment. */
  get candidates() {
    return this.clients.filter((client) => client.name !== 'owner' && !client.isRoaming && !client.name.endsWith('b'));
  }

  close() {
    for (const client of this.clients) client.close();
    for (const wire of this.wires) wire.close();
  }

  /* ---- who sees what ---- */

  conditions(userId, channelId) {
    if (userId === this.owner.id) return [];
    const all = [`member ${userId}`];
    if (channelId === this.stage.id) all.push('stage');
    if (channelId === this.vault.id) all.push(`insider ${userId}`);
    return all;
  }

  /** By REST: the promise is a second, whatever happens. */
  mustSee(userId, channelId, start, end) {
    const lag = () => NOTICED_MS + SLACK_MS;
    return this.conditions(userId, channelId).every((key) => this.facts.surely(key, true, start, end, lag));
  }

  mustNotSee(userId, channelId, start, end, lag = () => NOTICED_MS + SLACK_MS) {
    return this.conditions(userId, channelId).some((key) => this.facts.surely(key, false, start, end, lag));
  }

  /** As an event: the news of the change travels as an event too. */
  mustNotHear(userId, channelId, start, end) {
    return this.mustNotSee(userId, channelId, start, end, (change) =>
      this.faults.hit(change.from, change.to + NOTICED_MS) ? RELAYED_MS : NOTICED_MS + SLACK_MS);
  }

  /* ---- what was heard ---- */

  heard(client, type, d) {
    if (!/^(message|reaction)\./.test(type)) return;
    this.mustAgree(client, type, d);
    const isReaction = type.startsWith('reaction.');
    const about = `${type} ${isReaction ? d.message_id : d.id} rev ${d.rev}`;
    const sent = this.sentAt.get(isReaction ? actOf(d.message_id, d.emoji, d.user_id, type === 'reaction.remove') : d.content);
    if (isReaction && sent === undefined) this.trace.violate(client.name, `${about}: nobody did that`, d.channel_id);
    if (sent !== undefined && this.mustNotHear(client.id, d.channel_id, sent, Date.now())) {
      this.trace.violate(client.name, `${about} of a channel hidden from it`, d.channel_id);
    }
  }

  /**
   * One number is one change, the same for everybody. Some may be told a reaction itself and others
   * the message it made, in a message event that stands for lost ones: those are of the same message
   * and count the same.
   */
  mustAgree(client, type, d) {
    if (!this.said.has(d.channel_id)) this.said.set(d.channel_id, new Map());
    const revs = this.said.get(d.channel_id);
    const before = revs.get(d.rev) ?? {};
    const now = { ...before, ...(type.startsWith('reaction.') ? { reaction: changeOf(type, d) } : { message: stateOf(type, d) }) };
    revs.set(d.rev, { ...now, ...before });
    const isSame = Object.keys(before).every((key) => before[key].text === now[key].text);
    if (!isSame || !fits(now)) {
      const texts = (said) => JSON.stringify(Object.values(said).map(({ text }) => text));
      this.trace.violate(client.name, `rev ${d.rev} is ${texts(now)} and was ${texts(before)} to others`, d.channel_id);
    }
  }

  /* ---- what was written ---- */

  /** `write`: {kind, channelId?, messageId?, content?, emoji?}. Answers it, to be ended by `end`. */
  begin(client, write) {
    Object.assign(write, { client, began: Date.now(), outcome: 'unknown' });
    const { content, messageId, emoji, isRemoval } = write;
    const said = emoji ? actOf(messageId, emoji, client.id, isRemoval) : content;
    if (said !== undefined && !this.sentAt.has(said)) this.sentAt.set(said, write.began);
    this.writes.push(write);
    this.trace.note(client.name, `> ${nameOf(write)}`, write.channelId);
    return write;
  }

  end(write, given) {
    write.ended = Date.now();
    write.status = given?.status;
    write.code = given?.body?.code;
    if (given) write.outcome = given.status < 400 ? 'done' : 'refused';
    write.messageId ??= given?.body?.id;
    const code = write.outcome === 'refused' ? ` ${write.code} ${given.body?.detail ?? ''}` : '';
    this.trace.note(write.client.name, `> ${nameOf(write)}: ${write.status ?? 'unknown'}${code}`, write.channelId);
    return write;
  }

  /** Rights: nobody acts where they cannot be, nobody is kept out of where they may. */
  judge(write) {
    const { client, channelId, began, ended, status } = write;
    if (write.outcome === 'done' && this.mustNotSee(client.id, channelId, began, ended)) {
      this.trace.violate(client.name, `${write.kind} was accepted in a channel hidden from it`, channelId);
    }
    this.judgeMessage(write);
    if (write.code === UNKNOWN_MESSAGE) return;
    const isDenied = status === 403 || status === 404;
    if (isDenied && this.mustSee(client.id, channelId, began, ended)) {
      this.trace.violate(client.name, `${write.kind} was refused with ${status} in a channel it sees`, channelId);
    }
    if (write.outcome === 'refused' && !isDenied) {
      this.trace.violate(client.name, `${write.kind} was refused with ${status}`, channelId);
    }
  }

  /** A message is unknown exactly when it was deleted: not before that began, and ever after it ended. */
  judgeMessage({ client, kind, channelId, messageId, began, ended, outcome, code }) {
    const complain = (text) => this.trace.violate(client.name, `${kind} of ${messageId} ${text}`, channelId);
    const deletions = this.writes.filter((it) => it.kind === 'delete' && it.messageId === messageId && it.outcome !== 'refused');
    if (code === UNKNOWN_MESSAGE && !deletions.some((it) => it.began <= ended)) complain('was refused though nobody deletes it');
    const isGone = deletions.some((it) => it.outcome === 'done' && it.ended < began);
    if (isGone && outcome === 'done' && kind !== 'delete') complain('was accepted after its end');
  }
}
