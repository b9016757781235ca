// SPDX-License-Identifier: MIT
// The reactions under a message, and the few one can add with one click. Who reacted is asked when
// somebody points at a reaction.

import { KeyedList, button, h } from '../dom.js';

const QUICK = ['👍', '❤️', '😂', '🎉', '👀'];
const NAMES_MAX = 10;
const AND = new Intl.ListFormat('en-GB');
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

const lists = new WeakMap(); // the element of a message's reactions -> its KeyedList

function path(message, emoji) {
  const { channel_id: channel, id } = message;
  return `/channels/${channel}/messages/${id}/reactions/${encodeURIComponent(emoji)}`;
}

/** Adds one's own or takes it back; that it is so comes as an event. */
export function react(app, message, emoji, isAdded) {
  return isAdded ? app.api.put(path(message, emoji)) : app.api.delete(path(message, emoji));
}

async function nameWho(app, message, { emoji, count }, chip) {
  const users = await app.api.get(`${path(message, emoji)}?limit=${NAMES_MAX}`);
  if (users.length === 0) return;
  const names = users.map((user) => app.store.nameOf(message.server_id, user));
  const more = names.length < NAMES_MAX ? 0 : count - names.length;
  const who = AND.format(more > 0 ? [...names, `${more} more`] : names);
  chip.title = who;
  chip.setAttribute('aria-label', `${emoji} ${count}: ${who}`);
}

function chipOf(app, message, reaction, acts) {
  const { emoji, count, me, mayReact } = reaction;
  const isOpen = mayReact || me;
  let names = null; // asked once, because whoever comes or goes makes the chip anew
  const ask = (e) => {
    names ??= nameWho(app, message, reaction, e.currentTarget).catch(() => {
      names = null; // it is only a hint
    });
  };
  const chip = button(h('span', { class: 'emoji' }, emoji), () => isOpen && acts.react(message, emoji, !me), {
    'aria-pressed': String(me),
    'aria-disabled': isOpen ? null : 'true',
    'data-focus': `reaction-${emoji}`,
    onpointerenter: ask,
    onfocus: ask,
  });
  chip.append(' ', h('span', { class: 'count' }, String(count)));
  return h('li', {}, chip);
}

/** An empty list, for showReactions. */
export function reactionList(app, message, acts) {
  const element = h('ul', { class: 'reactions', 'aria-label': 'Reactions' });
  lists.set(element, new KeyedList(element, (reaction) => chipOf(app, message, reaction, acts)));
  return element;
}

/** In a message's element, which stays: whoever writes in it or points at it is not disturbed. */
export function showReactions(element, { message, mayReact }) {
  const list = element.querySelector('.reactions');
  const hadFocus = list.contains(document.activeElement);
  const shown = message.reactions.map(({ emoji, count, me }) => ({ emoji, count, me: me === true, mayReact }));
  list.hidden = shown.length === 0;
  lists.get(list).show(shown, (reaction) => reaction.emoji);
  if (hadFocus && !list.contains(document.activeElement)) {
    element.querySelector('.reactions button, .actions button')?.focus();
  }
}

/** One stop for the Tab key; the arrow keys go on from there. */
export function quickReactions(message, acts) {
  const buttons = QUICK.map((emoji, i) => button(emoji, () => acts.react(message, emoji, true), {
    'aria-label': `React with ${emoji}`,
    'data-focus': `react-${emoji}`,
    tabindex: i === 0 ? 0 : -1,
  }));
  const onkeydown = (e) => {
    const at = buttons.indexOf(e.target);
    if (at < 0 || !(e.key in STEPS)) return;
    e.preventDefault();
    const next = buttons.at((at + STEPS[e.key]) % buttons.length);
    for (const one of buttons) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  };
  return h('div', { class: 'quick', role: 'toolbar', 'aria-label': 'React', onkeydown }, buttons);
}
