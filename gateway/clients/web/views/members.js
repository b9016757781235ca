// SPDX-License-Identifier: MIT
// Who is a member, those online first.

import { $, KeyedList, h } from '../dom.js';

function itemsOf(store) {
  const { server } = store;
  const members = [...(server?.members.values() ?? [])].map((member) => ({
    id: member.user_id,
    name: store.nameOf(server.id, member.user),
    isOnline: (store.presences.get(member.user_id) ?? 'offline') !== 'offline',
    isOwner: member.user_id === server.owner_id,
  }));
  return members.sort((a, b) => b.isOnline - a.isOnline || a.name.localeCompare(b.name));
}

function element({ name, isOnline, isOwner }) {
  return h('li', { class: isOnline ? 'online' : null },
    h('span', { class: 'dot', 'aria-hidden': 'true' }),
    h('span', { class: 'name' }, name),
    isOwner ? h('span', { class: 'note' }, 'owner') : null,
    h('span', { class: 'unseen' }, isOnline ? ' (online)' : ' (offline)'));
}

export function showMembers(app) {
  const { store } = app;
  const list = new KeyedList($('#member-list'), element);
  store.on(['members'], () => {
    list.show(itemsOf(store));
    $('#members').hidden = store.server === null;
    $('#more-members').hidden = !store.server?.hasMoreMembers || store.server.memberCursor === null;
  });
  $('#more-members').addEventListener('click', () =>
    app.attempt(store.loadMembers(store.selected.server)));
}
