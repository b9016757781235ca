// SPDX-License-Identifier: MIT
// The channels of the server one is in, categories with theirs, and who is in voice channels.

import { $, KeyedList, button, h } from '../dom.js';
import { may } from '../permissions.js';
import { openDialog } from './form.js';

const AGES = [['86400', 'A day'], ['604800', 'A week'], ['0', 'Ever']];
const SIGNS = { text: '#', announcement: '!', voice: '♪' };

function byPosition(a, b) {
  return a.position - b.position || (BigInt(a.id) < BigInt(b.id) ? -1 : 1);
}

/** Channels without a category first, then each category followed by its own. */
function inOrder(server) {
  const all = [...server.channels.values()].sort(byPosition);
  const within = (parent) => all.filter((c) => c.type !== 'category' && c.parent_id === parent);
  const known = new Set(all.map((c) => c.id));
  const loose = all.filter((c) => c.type !== 'category' && !known.has(c.parent_id));
  return [...loose, ...all.filter((c) => c.type === 'category').flatMap((c) => [c, ...within(c.id)])];
}

function participantsOf(store, channel) {
  return [...(store.rooms.get(channel.id)?.values() ?? [])].map((p) => ({
    id: p.user_id,
    name: store.nameOfId(channel.server_id, p.user_id),
    state: p.deafened ? 'deafened' : p.muted || p.server_muted ? 'muted' : '',
  }));
}

function itemOf(store, channel) {
  return {
    id: channel.id,
    name: channel.name,
    type: channel.type,
    isSelected: channel.id === store.selected.channel,
    unread: store.reads.get(channel.id)?.unread ?? 0,
    mentions: store.reads.get(channel.id)?.mentions ?? 0,
    participants: channel.type === 'voice' ? participantsOf(store, channel) : [],
  };
}

function participant({ name, state }) {
  return h('li', {}, name, state ? h('span', { class: 'note' }, ` (${state})`) : null);
}

function badge({ unread, mentions }) {
  if (unread === 0) return null;
  return h('span', { class: mentions > 0 ? 'badge mention' : 'badge' },
    String(unread), h('span', { class: 'unseen' }, ' unread'));
}

function element(app, item) {
  if (item.type === 'category') return h('li', { class: 'category' }, h('h3', {}, item.name));
  const open = item.type === 'voice'
    ? () => app.attempt(app.voice.join(item.id))
    : () => app.go(app.store.selected.server, item.id);
  return h('li', { class: item.unread > 0 ? 'unread' : null },
    h('button', {
      type: 'button',
      onclick: open,
      'aria-current': item.isSelected ? 'page' : null,
      'data-focus': 'channel',
      title: item.type === 'voice' ? 'Join to talk' : null,
    }, h('span', { class: 'sign', 'aria-hidden': 'true' }, SIGNS[item.type]), item.name, badge(item)),
    item.participants.length > 0
      ? h('ul', { class: 'participants', 'aria-label': `Talking in ${item.name}` },
        item.participants.map(participant))
      : null);
}

function createChannel(app) {
  openDialog({
    title: 'New channel',
    fields: [
      { name: 'name', label: 'Name', autofocus: true },
      { name: 'type', label: 'Kind', options: [['text', 'Text'], ['voice', 'Voice']] },
    ],
    deed: 'Create',
    submit: async ({ name = '', type }) => {
      const serverId = app.store.selected.server;
      const channel = await app.api.post(`/servers/${serverId}/channels`, { name, type });
      if (type === 'text') app.goWhenThere(serverId, channel.id);
    },
  });
}

function createInvite(app) {
  openDialog({
    title: 'Invite people',
    fields: [
      { name: 'max_age', label: 'Valid for', options: AGES },
      { name: 'max_uses', label: 'Uses', type: 'number', min: 0, max: 100, placeholder: 'any number' },
    ],
    deed: 'Create link',
    submit: async ({ max_age: maxAge, max_uses: maxUses = 0 }) => {
      const path = `/servers/${app.store.selected.server}/invites`;
      const invite = await app.api.post(path, { max_age: Number(maxAge), max_uses: Number(maxUses) });
      const link = new URL(`/invite/${invite.code}`, location.href).href;
      const field = h('input', { id: 'invite-link', readonly: true, value: link, autofocus: true });
      const copy = button('Copy', async () => {
        field.select();
        await navigator.clipboard.writeText(link);
        copy.textContent = 'Copied';
      });
      return h('div', { class: 'row' }, h('label', {}, 'Link ', field), copy);
    },
  });
}

export function showChannels(app) {
  const { store } = app;
  const list = new KeyedList($('#channel-list'), (item) => element(app, item));
  store.on(['servers', 'channels', 'voice'], () => {
    const { server } = store;
    $('#server-name').textContent = server?.name ?? '';
    $('#create-invite').hidden = !server || !may(server, store.me, 'CREATE_INVITE');
    $('#create-channel').hidden = !server || !may(server, store.me, 'MANAGE_CHANNELS');
    list.show(server ? inOrder(server).map((channel) => itemOf(store, channel)) : []);
  });
  $('#create-channel').addEventListener('click', () => createChannel(app));
  $('#create-invite').addEventListener('click', () => createInvite(app));
}
