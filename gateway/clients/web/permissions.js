// SPDX-License-Identifier: MIT
// What to offer. The server decides what is allowed; this only hides what would be refused, so it
// looks at the server's roles and not at the overwrites of channels.

const BITS = {
  CREATE_INVITE: 1n << 0n,
  ADMINISTRATOR: 1n << 3n,
  MANAGE_CHANNELS: 1n << 4n,
  ADD_REACTIONS: 1n << 6n,
  MANAGE_MESSAGES: 1n << 13n,
};

export function may(server, user, name) {
  if (server.owner_id === user.id || user.is_admin) return true;
  const held = new Set([server.id, ...server.member.roles]);
  let all = 0n;
  for (const role of server.roles.values()) {
    if (held.has(role.id)) all |= BigInt(role.permissions);
  }
  return (all & (BITS[name] | BITS.ADMINISTRATOR)) !== 0n;
}
