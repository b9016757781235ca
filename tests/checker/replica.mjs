// SPDX-License-Identifier: MIT
// What a client knows from `ready` and the events since, kept as the protocol guide tells to, and
// what it may insist on with every single event: nothing twice, nothing out of order, nothing of
// what it does not see. Where the guide lets a client ignore something odd, this one complains.

import { Reactions } from './reactions.mjs';

export const isFleeting = (type) => /^(typing|presence|voice)\./.test(type);

const byId = (list) => new Map(list.map((it) => [it.id, it]));

function channelOf(json) {
  return { json, from: json.seq, rev: json.seq, messages: new Map() };
}

export class Replica {
  /** `complain(text, about)` hears of every broken promise. */
  constructor(complain) {
    this.complain = complain;
    this.clear();
  }

  clear() {
    this.servers = new Map();
    this.reads = new Map();
  }

  begin(ready) {
    this.clear();
    for (const server of ready.servers) this.addServer(server);
    this.readStates(ready.read_states);
  }

  readStates(list) {
    for (const state of list) this.readState(state);
  }

  /** A position never moves backwards. */
  readState({ channel_id: id, last_read_seq: seq }) {
    this.reads.set(id, Math.max(this.reads.get(id) ?? 0, seq));
  }

  addServer(json) {
    const { roles, channels, member, ...fields } = json;
    const server = { fields, rev: json.seq, roles: byId(roles), channels: new Map(), members: new Map(), own: member.user_id };
    for (const channel of channels) server.channels.set(channel.id, channelOf(channel));
    server.members.set(member.user_id, member);
    this.servers.set(json.id, server);
  }

  /** A page of members as REST answers it: events may have been faster. */
  addMembers(serverId, list) {
    const server = this.servers.get(serverId);
    for (const member of list) if (server) this.putMember(server, member);
  }

  putMember(server, member) {
    const known = server.members.get(member.user_id);
    if (!known || member.rev > known.rev) server.members.set(member.user_id, member);
  }

  server(id, type) {
    const server = this.servers.get(id);
    if (!server) this.complain(`${type} of a server it is not in`, id);
    return server;
  }

  channel(type, d) {
    const channel = this.server(d.server_id, type)?.channels.get(d.channel_id);
    if (!channel) this.complain(`${type} ${d.id ?? d.message_id} rev ${d.rev} of a channel it does not see`, d.channel_id);
    return channel;
  }

  /** What it knows of a message. */
  message({ server_id: serverId, channel_id: channelId, id }) {
    return this.servers.get(serverId)?.channels.get(channelId)?.messages.get(id);
  }

  event(type, d) {
    if (isFleeting(type)) return;
    const [noun, verb] = type.split('.');
    const take = this[`on_${noun}_${verb}`] ?? this[`on_${noun}`];
    take?.call(this, type, d);
  }

  /* ---- messages ---- */

  on_message(type, d) {
    const channel = this.channel(type, d);
    if (!channel) return;
    this.forward(channel, type, d.id, d);
    this[`${type.slice('message.'.length)}Message`](channel, d);
  }

  /** A change in a channel: each number once, in order. */
  forward(channel, type, id, { rev, channel_id: channelId }) {
    if (rev <= channel.rev) this.complain(`${type} ${id}: rev ${rev} after ${channel.rev}`, channelId);
    channel.rev = Math.max(channel.rev, rev);
  }

  createMessage(channel, d) {
    if (d.seq <= channel.from || channel.messages.has(d.id)) {
      this.complain(`message.create ${d.id}: seq ${d.seq} was there already (began at ${channel.from})`, d.channel_id);
    }
    this.putMessage(channel, d, new Reactions(true));
  }

  updateMessage(channel, d) {
    this.mustKnow('message.update', channel, d);
    this.putMessage(channel, d, channel.messages.get(d.id)?.reactions ?? new Reactions(false));
  }

  putMessage(channel, d, before) {
    const complain = (text) => this.complain(`message ${d.id} rev ${d.rev}: ${text}`, d.channel_id);
    const reactions = before.replacedBy(d, this.servers.get(d.server_id).own, complain);
    channel.messages.set(d.id, { seq: d.seq, rev: d.rev, content: d.content, reactions });
  }

  /** One that came and went while the client was away is told by its end alone. */
  deleteMessage(channel, d) {
    channel.messages.set(d.id, { seq: d.seq, rev: d.rev, isDeleted: true });
  }

  mustKnow(type, channel, d) {
    const known = channel.messages.get(d.id);
    if (known?.isDeleted) this.complain(`${type} ${d.id} rev ${d.rev} after its end`, d.channel_id);
    const isNew = known?.seq === undefined;
    if (isNew && d.seq > channel.from) this.complain(`${type} ${d.id} rev ${d.rev} before message.create`, d.channel_id);
  }

  /** Of a message that was there before the client began, nothing else may be known: it has no `seq`. */
  on_reaction(type, d) {
    const channel = this.channel(type, d);
    if (!channel) return;
    this.forward(channel, type, d.message_id, d);
    const complain = (text) => this.complain(`${type} ${d.message_id} rev ${d.rev}: ${text}`, d.channel_id);
    const known = channel.messages.get(d.message_id) ?? { reactions: new Reactions(false) };
    if (known.isDeleted) return void complain('after the end of the message');
    known.reactions.change(d, type === 'reaction.remove', this.servers.get(d.server_id).own, complain);
    channel.messages.set(d.message_id, { ...known, rev: d.rev });
  }

  /* ---- servers ---- */

  on_server_create(type, d) {
    this.addServer(d);
  }

  on_server_update(type, d) {
    const server = this.server(d.id, type);
    if (!server) return;
    this.step(server, type, d.seq, d.id);
    server.fields = d;
  }

  /** Who joins and leaves in one breath may hear of the end alone. */
  on_server_leave(type, d) {
    this.servers.delete(d.server_id);
  }

  on_server_delete(type, d) {
    this.servers.delete(d.server_id);
  }

  /** A change of the server itself: each once, in order. */
  step(server, type, rev, serverId) {
    if (rev <= server.rev) this.complain(`${type}: rev ${rev} after ${server.rev}`, serverId);
    server.rev = Math.max(server.rev, rev);
  }

  /** These two also say that it begins or ceases to be seen, which is no change of the server. */
  on_channel_create(type, d) {
    const server = this.server(d.server_id, type);
    if (!server) return;
    if (server.channels.has(d.id)) this.complain(`${type} of a channel it has`, d.id);
    server.channels.set(d.id, channelOf(d));
    server.rev = Math.max(server.rev, d.rev);
  }

  on_channel_delete(type, d) {
    const server = this.server(d.server_id, type);
    if (!server) return;
    if (!server.channels.delete(d.id)) this.complain(`${type} of a channel it does not have`, d.id);
    server.rev = Math.max(server.rev, d.rev);
  }

  on_channel_update(type, d) {
    const server = this.server(d.server_id, type);
    if (!server) return;
    this.step(server, type, d.rev, d.server_id);
    const channel = server.channels.get(d.id);
    if (!channel) return void this.complain(`${type} of a channel it does not see`, d.id);
    channel.json = d;
  }

  on_role(type, d) {
    const server = this.server(d.server_id, type);
    if (!server) return;
    this.step(server, type, d.rev, d.server_id);
    if (type === 'role.delete') server.roles.delete(d.id);
    else server.roles.set(d.id, d);
  }

  on_member(type, d) {
    const server = this.server(d.server_id, type);
    if (!server) return;
    this.step(server, type, d.rev, d.server_id);
    this.putMember(server, type === 'member.delete' ? { user_id: d.user_id, rev: d.rev, isGone: true } : d);
  }

  on_read_update(type, d) {
    this.readState(d);
  }
}
