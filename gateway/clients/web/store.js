// SPDX-License-Identifier: MIT
// All this page knows: what `ready` said, kept current by events (events.js). Views read it and
// hear by topic that something changed; only events.js and the methods here change it.

import { Timeline } from './timeline.js';

const PAGE = 50;
const MEMBER_PAGE = 200;
const SYNC_PAGES_MAX = 5;
const TYPING_MS = 10_000; // a little longer than the server's own end of it

function byId(list) {
  return new Map(list.map((item) => [item.id, item]));
}

export class Store {
  me = null;
  servers = new Map();
  reads = new Map(); // channel id -> {last_read_seq, unread, mentions}
  timelines = new Map(); // channel id -> Timeline, of channels that were looked at
  presences = new Map(); // user id -> status; absent: unknown
  typing = new Map(); // channel id -> Map(user id -> timer)
  rooms = new Map(); // voice channel id -> Map(user id -> participant)
  selected = { server: null, channel: null };
  #api;
  #listeners = new Map();

  constructor(api) {
    this.#api = api;
  }

  on(topics, listener) {
    for (const topic of topics) {
      if (!this.#listeners.has(topic)) this.#listeners.set(topic, new Set());
      this.#listeners.get(topic).add(listener);
    }
  }

  changed(...topics) {
    const hearing = topics.flatMap((topic) => [...(this.#listeners.get(topic) ?? [])]);
    for (const listener of new Set(hearing)) listener();
  }

  /* ---- reading ---- */

  get server() {
    return this.servers.get(this.selected.server) ?? null;
  }

  get channel() {
    return this.server?.channels.get(this.selected.channel) ?? null;
  }

  get timeline() {
    return this.timelines.get(this.selected.channel) ?? null;
  }

  findChannel(id) {
    for (const server of this.servers.values()) {
      if (server.channels.has(id)) return server.channels.get(id);
    }
    return null;
  }

  /** How far each server and channel is known, for a gateway that continues the session. */
  cursors() {
    const cursors = {};
    for (const server of this.servers.values()) {
      cursors[server.id] = server.seq;
      for (const channel of server.channels.values()) cursors[channel.id] = channel.seq;
    }
    return cursors;
  }

  nameOf(serverId, user) {
    const member = this.servers.get(serverId)?.members.get(user.id);
    return member?.nickname ?? user.display_name ?? user.username;
  }

  nameOfId(serverId, userId) {
    const member = this.servers.get(serverId)?.members.get(userId);
    return member ? this.nameOf(serverId, member.user) : 'Somebody';
  }

  /* ---- the whole state ---- */

  begin(ready) {
    this.me = ready.user;
    const left = new Set(this.servers.keys());
    for (const server of ready.servers) {
      left.delete(server.id);
      this.putServer(server);
    }
    for (const id of left) this.dropServer(id);
    this.setReads(ready.read_states);
    this.changed('me', 'servers', 'channels', 'members', 'messages', 'voice');
  }

  /** Signed out: nothing of one account may show to the next. */
  clear() {
    for (const id of [...this.servers.keys()]) this.dropServer(id);
    this.me = null;
    this.reads.clear();
    this.presences.clear();
    this.selected = { server: null, channel: null };
    this.changed('me', 'servers', 'channels', 'members', 'messages', 'typing', 'voice');
  }

  setReads(states) {
    for (const state of states) this.reads.set(state.channel_id, state);
    this.changed('servers', 'channels');
  }

  /** A server's whole state, which may replace an older one: open channels catch up. */
  putServer(server) {
    const known = this.servers.get(server.id);
    this.servers.set(server.id, {
      ...server,
      roles: byId(server.roles),
      channels: byId(server.channels),
      members: new Map([[server.member.user_id, server.member]]),
      memberCursor: null,
      hasMoreMembers: true,
    });
    for (const old of known?.channels.values() ?? []) {
      const now = this.findChannel(old.id);
      if (now === null) this.dropChannel(old.id);
      else if (now.seq > old.seq) this.catchUp(old.id, old.seq);
    }
  }

  dropServer(id) {
    for (const channel of this.servers.get(id)?.channels.keys() ?? []) this.dropChannel(channel);
    this.servers.delete(id);
  }

  dropChannel(id) {
    for (const timer of this.typing.get(id)?.values() ?? []) clearTimeout(timer);
    for (const map of [this.timelines, this.typing, this.rooms, this.reads]) map.delete(id);
  }

  /* ---- messages ---- */

  async openChannel(id) {
    if (this.timelines.has(id)) return;
    this.timelines.set(id, new Timeline(this.me.id));
    try {
      await this.#loadPage(id, '');
    } catch (error) {
      this.timelines.delete(id);
      throw error;
    }
  }

  async loadOlder(id) {
    const timeline = this.timelines.get(id);
    if (timeline?.isLoaded && timeline.hasOlder) {
      await this.#loadPage(id, `&before=${timeline.oldest.id}`);
    }
  }

  /** What changed in an open channel since a number; too much of it, and it is opened anew. */
  async catchUp(id, since) {
    const timeline = this.timelines.get(id);
    if (!timeline) return;
    const isDone = await timeline.during(() => this.#sync(id, since, timeline));
    if (isDone) this.changed('messages');
    else if (this.timelines.get(id) === timeline) await this.#reopen(id);
  }

  /** True when the timeline has caught up. */
  async #sync(id, since, timeline) {
    let after = since;
    for (let page = 0; page < SYNC_PAGES_MAX && this.timelines.get(id) === timeline; page += 1) {
      const sync = await this.#api.get(`/channels/${id}/sync?after=${after}&limit=100`).catch(() => null);
      for (const message of sync?.messages ?? []) timeline.put(message);
      if (sync === null || !sync.has_more) return sync !== null;
      after = sync.messages.at(-1).rev;
    }
    return false;
  }

  async #reopen(id) {
    const pending = this.timelines.get(id)?.pending;
    if (!this.timelines.delete(id)) return;
    await this.openChannel(id).catch(() => {});
    const timeline = this.timelines.get(id);
    if (timeline) timeline.pending = pending;
    this.changed('messages');
  }

  async #loadPage(id, position) {
    const timeline = this.timelines.get(id);
    await timeline.during(async () => {
      const page = await this.#api.get(`/channels/${id}/messages?limit=${PAGE}${position}`);
      timeline.putPage(page, PAGE);
    });
    this.changed('messages');
  }

  /* ---- who is there ---- */

  async loadMembers(serverId) {
    const server = this.servers.get(serverId);
    const after = server.memberCursor === null ? '' : `&after=${server.memberCursor}`;
    const page = await this.#api.get(`/servers/${serverId}/members?limit=${MEMBER_PAGE}${after}`);
    for (const member of page) {
      const known = server.members.get(member.user_id);
      if (!known || known.rev < member.rev) server.members.set(member.user_id, member);
    }
    server.memberCursor = page.at(-1)?.user_id ?? server.memberCursor;
    server.hasMoreMembers = page.length === MEMBER_PAGE;
    this.changed('members', 'messages', 'typing', 'voice');
  }

  async loadPresences(serverId) {
    const page = await this.#api.get(`/servers/${serverId}/presences`);
    for (const presence of page) this.presences.set(presence.user_id, presence.status);
    this.changed('members');
  }

  setTyping(channelId, userId, isTyping) {
    if (!this.typing.has(channelId)) this.typing.set(channelId, new Map());
    const typing = this.typing.get(channelId);
    clearTimeout(typing.get(userId));
    typing.delete(userId);
    if (isTyping) {
      typing.set(userId, setTimeout(() => this.setTyping(channelId, userId, false), TYPING_MS));
    }
    this.changed('typing');
  }

  setRoom(channelId, participants) {
    this.rooms.set(channelId, new Map(participants.map((p) => [p.user_id, p])));
    this.changed('voice');
  }
}
