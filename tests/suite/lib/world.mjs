// SPDX-License-Identifier: MIT
// A server with one of everything, so that every path of the API can be filled with ids that exist.

import { operations } from './contract.mjs';
import { administrator, newcomer, random, signInAgain } from './person.mjs';
import { letIn, newChannel } from './place.mjs';
import { upload } from './files.mjs';

/** People are dear (argon2id), servers cheap: the same people may found many worlds. */
export async function makePeople() {
  const [owner, member, banned, stranger, boss] = await Promise.all([
    newcomer(), newcomer(), newcomer(), newcomer(), administrator(),
  ]);
  const file = await upload(owner, 'note.txt', 'a file that exists');
  const key = await boss.post('/api-keys', { name: 'walk', scopes: ['read'] });
  const other = await signInAgain(owner);
  return { owner, member, banned, stranger, boss, file, key, other };
}

export async function makeWorld(people) {
  const { owner, member, banned } = people;
  const server = await owner.post('/servers', { name: `world ${random()}` });
  await letIn(owner, server, member);
  const [channel, voice, category, role, invite] = await Promise.all([
    newChannel(owner, server),
    newChannel(owner, server, { type: 'voice' }),
    newChannel(owner, server, { type: 'category' }),
    owner.post(`/servers/${server.id}/roles`, { name: 'role' }),
    owner.post(`/servers/${server.id}/invites`, {}),
    owner.post(`/servers/${server.id}/bans`, { user_id: banned.id }),
  ]);
  const message = await owner.send(channel, 'something to point at');
  return { ...people, server, channel, voice, category, role, invite, message };
}

/** The operation's path with ids of the world in it. */
export function fill(operation, world) {
  const isVoice = operation.path.includes('/voice');
  const values = {
    server_id: world.server.id,
    channel_id: isVoice ? world.voice.id : world.channel.id,
    message_id: world.message.id,
    role_id: world.role.id,
    target_id: world.role.id,
    user_id: operation.path.includes('/bans/') ? world.banned.id : world.member.id,
    code: world.invite.code,
    session_id: world.other.sessionId,
    api_key_id: world.key.id,
    attachment_id: world.file.id,
    filename: world.file.filename,
    emoji: encodeURIComponent('👍'),
  };
  return operation.path.replace(/\{([^}]+)\}/g, (_, name) => {
    if (!(name in values)) throw new Error(`${operation.path}: no value for ${name}`);
    return values[name];
  });
}

/** Who may call an operation. */
export const callerOf = (operation, world) => (operation.guard === 'admin' ? world.boss : world.owner);

/** Rows with a JSON body. */
export const taking = operations.filter((it) => it.body);
