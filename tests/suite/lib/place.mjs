// SPDX-License-Identifier: MIT
// Servers for tests to happen in.

import { newcomer, random } from './person.mjs';

/** Lets `guest` in by an invite of `owner`. */
export async function letIn(owner, server, guest) {
  const invite = await owner.post(`/servers/${server.id}/invites`, { max_uses: 1 });
  await guest.post(`/invites/${invite.code}`);
}

export function newChannel(owner, server, fields = {}) {
  return owner.post(`/servers/${server.id}/channels`, { name: `room-${random(6)}`, type: 'text', ...fields });
}

/** A server of its own with one text channel and `guests` members: {owner, server, channel, guests}. */
export async function community({ guests = 1, base } = {}) {
  const owner = await newcomer(base);
  const server = await owner.post('/servers', { name: `place ${random()}` });
  const channel = await newChannel(owner, server);
  const others = [];
  for (let i = 0; i < guests; i++) {
    const guest = await newcomer(base);
    await letIn(owner, server, guest);
    others.push(guest);
  }
  return { owner, server, channel, guests: others, guest: others[0] };
}
