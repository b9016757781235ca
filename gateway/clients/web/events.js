// SPDX-License-Identifier: MIT
// What each event means to the store. An event that is not in the table is none of this page's
// business. Numbers only grow: the last one seen of a server or channel is what a resume tells.

function advance(thing, number) {
  if (thing && number > thing.seq) thing.seq = number;
}

function isForMe(store, message) {
  const { me } = store;
  const roles = store.servers.get(message.server_id)?.member.roles ?? [];
  return (
    message.mention_everyone ||
    message.mentions.includes(me.id) ||
    message.mention_roles.some((role) => roles.includes(role))
  );
}

function countUnread(store, message) {
  if (message.author.id === store.me.id) return;
  const none = { channel_id: message.channel_id, last_read_seq: 0, unread: 0, mentions: 0 };
  const read = store.reads.get(message.channel_id) ?? none;
  const mentions = read.mentions + (isForMe(store, message) ? 1 : 0);
  store.reads.set(message.channel_id, { ...read, unread: read.unread + 1, mentions });
}

function putReaction(isAdded) {
  return (store, d) => {
    advance(store.findChannel(d.channel_id), d.rev);
    store.timelines.get(d.channel_id)?.hearReaction(d, isAdded);
    return ['messages'];
  };
}

function withServer(handler) {
  return (store, d) => {
    const server = store.servers.get(d.server_id);
    if (!server) return [];
    advance(server, d.rev);
    return handler(store, d, server);
  };
}

function putChannel(store, d, server) {
  const known = server.channels.get(d.id);
  if (!known || d.rev >= known.rev) {
    server.channels.set(d.id, { ...d, seq: Math.max(d.seq, known?.seq ?? 0) });
  }
  return ['channels', 'servers'];
}

function putRole(store, d, server) {
  server.roles.set(d.id, d);
  return ['channels', 'members', 'messages'];
}

function putMember(store, d, server) {
  server.members.set(d.user_id, d);
  if (d.user_id === store.me.id) server.member = d;
  return ['members', 'channels', 'messages'];
}

function putUser(store, user) {
  for (const server of store.servers.values()) {
    const member = server.members.get(user.id);
    if (member) server.members.set(user.id, { ...member, user: { ...member.user, ...user } });
  }
  return ['members', 'messages'];
}

function room(store, channelId) {
  if (!store.rooms.has(channelId)) store.rooms.set(channelId, new Map());
  return store.rooms.get(channelId);
}

const HANDLERS = {
  'message.create': (store, d) => {
    advance(store.findChannel(d.channel_id), d.rev);
    store.timelines.get(d.channel_id)?.hear(d);
    store.setTyping(d.channel_id, d.author.id, false);
    countUnread(store, d);
    return ['messages', 'channels', 'servers'];
  },
  'message.update': (store, d) => {
    advance(store.findChannel(d.channel_id), d.rev);
    store.timelines.get(d.channel_id)?.hear(d);
    return ['messages'];
  },
  'message.delete': (store, d) => {
    advance(store.findChannel(d.channel_id), d.rev);
    store.timelines.get(d.channel_id)?.remove(d.id);
    return ['messages'];
  },
  'reaction.add': putReaction(true),
  'reaction.remove': putReaction(false),
  'read.update': (store, d) => {
    store.reads.set(d.channel_id, d);
    return ['channels', 'servers'];
  },

  'server.create': (store, d) => {
    store.putServer(d);
    return ['servers', 'channels', 'members', 'messages'];
  },
  'server.update': (store, d) => {
    const server = store.servers.get(d.id);
    if (server) Object.assign(server, d, { seq: Math.max(server.seq, d.seq) });
    return ['servers', 'channels'];
  },
  'server.delete': (store, d) => {
    store.dropServer(d.id);
    return ['servers', 'channels', 'members', 'messages', 'voice'];
  },
  'server.leave': (store, d) => {
    store.dropServer(d.server_id);
    return ['servers', 'channels', 'members', 'messages', 'voice'];
  },

  'channel.create': withServer(putChannel),
  'channel.update': withServer(putChannel),
  'channel.delete': withServer((store, d, server) => {
    server.channels.delete(d.id);
    store.dropChannel(d.id);
    return ['channels', 'servers', 'messages', 'voice'];
  }),

  'role.create': withServer(putRole),
  'role.update': withServer(putRole),
  'role.delete': withServer((store, d, server) => {
    server.roles.delete(d.id);
    return ['channels', 'members', 'messages'];
  }),

  'member.create': withServer((store, d, server) => {
    server.member_count += 1;
    return putMember(store, d, server);
  }),
  'member.update': withServer(putMember),
  'member.delete': withServer((store, d, server) => {
    server.member_count -= 1;
    server.members.delete(d.user_id);
    return ['members'];
  }),

  'user.update': putUser,
  'account.update': (store, d) => {
    store.me = d;
    return ['me', ...putUser(store, d)];
  },

  'presence.update': (store, d) => {
    store.presences.set(d.user_id, d.status);
    return ['members'];
  },
  'typing.start': (store, d) => {
    if (d.user_id !== store.me.id) store.setTyping(d.channel_id, d.user_id, true);
    return [];
  },
  'typing.stop': (store, d) => {
    store.setTyping(d.channel_id, d.user_id, false);
    return [];
  },

  'voice.join': (store, d) => {
    room(store, d.channel_id).set(d.user_id, d);
    return ['voice'];
  },
  'voice.state': (store, d) => {
    room(store, d.channel_id).set(d.user_id, d);
    return ['voice'];
  },
  'voice.leave': (store, d) => {
    const known = room(store, d.channel_id).get(d.user_id);
    const isBackAlready = known?.joined_at && known.joined_at !== d.joined_at;
    if (!isBackAlready) room(store, d.channel_id).delete(d.user_id);
    return ['voice'];
  },
};

export function applyEvent(store, { t, d }) {
  const topics = HANDLERS[t]?.(store, d);
  if (topics?.length > 0) store.changed(...topics);
}
