// SPDX-License-Identifier: MIT
// The servers one is a member of; founding another and joining by invite.

import { $, KeyedList, button, h } from '../dom.js';
import { openDialog } from './form.js';

function initials(name) {
  const words = name.split(/\s+/).filter((word) => word !== '');
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join('');
}

function unreadOf(store, server) {
  let unread = 0;
  let mentions = 0;
  for (const id of server.channels.keys()) {
    unread += store.reads.get(id)?.unread ?? 0;
    mentions += store.reads.get(id)?.mentions ?? 0;
  }
  return { unread, mentions };
}

function itemsOf(store) {
  return [...store.servers.values()].map((server) => ({
    id: server.id,
    name: server.name,
    isSelected: server.id === store.selected.server,
    ...unreadOf(store, server),
  }));
}

function labelOf({ name, unread, mentions }) {
  if (mentions > 0) return `${name}, ${unread} unread, ${mentions} mentions`;
  return unread > 0 ? `${name}, ${unread} unread` : name;
}

/** "…/invite/abc" or "abc". */
function codeOf(text) {
  return text.trim().split('/').at(-1);
}

async function accept(app, code) {
  const server = await app.api.post(`/invites/${encodeURIComponent(code)}`);
  app.goWhenThere(server.id);
}

/** An invite link was opened. */
export async function offerInvite(app, code) {
  try {
    const { server } = await app.api.getPublic(`/invites/${code}`);
    const count = server.member_count === 1 ? '1 member' : `${server.member_count} members`;
    openDialog({
      title: `Join ${server.name}?`,
      text: [server.description, `${count}.`].filter(Boolean).join(' – '),
      deed: 'Join',
      submit: () => accept(app, code),
    });
  } catch (error) {
    app.report(error);
  }
}

export function showServers(app) {
  const { store } = app;
  const list = new KeyedList($('#server-list'), (item) =>
    h('li', {},
      button(initials(item.name), () => app.go(item.id), {
        title: item.name,
        'aria-label': labelOf(item),
        'aria-current': item.isSelected ? 'true' : null,
        'data-focus': 'server',
      }),
      item.unread > 0
        ? h('span', { class: item.mentions > 0 ? 'badge mention' : 'badge', 'aria-hidden': 'true' },
          String(item.mentions || item.unread))
        : null));

  store.on(['servers', 'channels'], () => list.show(itemsOf(store)));
  $('#create-server').addEventListener('click', () =>
    openDialog({
      title: 'Create a server',
      fields: [{ name: 'name', label: 'Name', autofocus: true }],
      deed: 'Create',
      submit: async ({ name = '' }) => {
        const server = await app.api.post('/servers', { name });
        app.goWhenThere(server.id);
      },
    }));
  $('#join-server').addEventListener('click', () =>
    openDialog({
      title: 'Join a server',
      fields: [{ name: 'code', label: 'Invite link or code', autofocus: true }],
      deed: 'Join',
      submit: ({ code = '' }) => accept(app, codeOf(code)),
    }));
}
