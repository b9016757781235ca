// SPDX-License-Identifier: MIT
// A message's text: links become links and mentions become names, everything else stays text.

import { h } from '../dom.js';

const PARTS = /(https?:\/\/[^\s<>"]+)|<@!?(\d+)>|<@&(\d+)>/g;
const MENTION = /(^|\s)@([^\s@]{2,32})/g;

function link(url) {
  return h('a', { href: url, target: '_blank', rel: 'noopener noreferrer nofollow' }, url);
}

function mention(text, isMine) {
  return h('span', { class: isMine ? 'mention mine' : 'mention' }, text);
}

/** The parts of `content` as nodes. */
export function render(content, store, serverId) {
  const nodes = [];
  let end = 0;
  for (const match of content.matchAll(PARTS)) {
    const [whole, url, user, role] = match;
    nodes.push(content.slice(end, match.index));
    if (url) nodes.push(link(url));
    else if (user) nodes.push(mention(`@${store.nameOfId(serverId, user)}`, user === store.me.id));
    else nodes.push(mention(`@${store.servers.get(serverId)?.roles.get(role)?.name ?? 'role'}`, false));
    end = match.index + whole.length;
  }
  nodes.push(content.slice(end));
  return nodes;
}

export function plain(content, store, serverId) {
  return render(content, store, serverId).map((node) => node.textContent ?? node).join('');
}

/** "@ada" becomes a mention when a member is called so. */
export function withMentions(text, server) {
  return text.replaceAll(MENTION, (whole, before, name) => {
    const wanted = name.toLowerCase().replace(/[.,:;!?]+$/, '');
    const rest = name.slice(wanted.length);
    for (const { user } of server.members.values()) {
      if (user.username.toLowerCase() === wanted) return `${before}<@${user.id}>${rest}`;
    }
    return whole;
  });
}
