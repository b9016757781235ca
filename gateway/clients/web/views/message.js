// SPDX-License-Identifier: MIT
// One message, sent or on its way, and what one can do with it.

import { button, h, time } from '../dom.js';
import { quickReactions, reactionList, showReactions } from './reactions.js';
import { plain, render } from './text.js';

const EXCERPT = 80;
const IMAGE_TYPES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const UNITS = ['bytes', 'KB', 'MB'];

function size(bytes) {
  const unit = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  return `${(bytes / 1024 ** unit).toFixed(unit > 1 ? 1 : 0)} ${UNITS[unit]}`;
}

function attachment(file) {
  const attributes = { href: file.url, target: '_blank', rel: 'noopener' };
  if (!IMAGE_TYPES.has(file.content_type)) {
    return h('a', { class: 'file', ...attributes }, `${file.filename} (${size(file.size)})`);
  }
  const { url: src, filename: alt, width, height } = file;
  return h('a', attributes, h('img', { src, alt, width, height, loading: 'lazy' }));
}

export function excerpt(message, store, serverId) {
  if (message.content === null) return 'a deleted message';
  const text = plain(message.content, store, serverId).replace(/\s+/g, ' ');
  if (text === '') return 'a file';
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
}

function reference(app, { referenced, server_id: serverId }) {
  if (!referenced) return null;
  const who = app.store.nameOf(serverId, referenced.author);
  return h('p', { class: 'reference' }, `↱ ${who}: ${excerpt(referenced, app.store, serverId)}`);
}

function header(app, item) {
  const who = app.store.nameOf(item.message.server_id, item.message.author);
  return h('p', { class: item.isFollowing ? 'by unseen' : 'by' },
    h('b', {}, who), ' ', time(item.message.created_at));
}

function edited(message) {
  return message.edited_at ? h('span', { class: 'note' }, ' (edited)') : null;
}

function text(app, message) {
  const nodes = render(message.content ?? '', app.store, message.server_id);
  return h('div', { class: 'text' }, nodes, edited(message));
}

function editor(message, acts) {
  const attributes = { 'aria-label': 'Edit message', rows: 2, 'data-focus': 'edit' };
  const area = h('textarea', attributes, message.content);
  area.addEventListener('keydown', (e) => {
    if (e.key === 'Escape') acts.edit(null);
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
      e.preventDefault();
      acts.save(message, area.value);
    }
  });
  return h('div', { class: 'editor' }, area,
    button('Save', () => acts.save(message, area.value), { class: 'primary' }),
    button('Cancel', () => acts.edit(null)));
}

function actions({ message, isMine, mayDelete, mayReact }, acts) {
  return h('div', { class: 'actions' },
    mayReact ? quickReactions(message, acts) : null,
    button('Reply', () => acts.reply(message), { 'data-focus': 'reply' }),
    isMine ? button('Edit', () => acts.edit(message.id), { 'data-focus': 'edit-button' }) : null,
    isMine || mayDelete ? button('Delete', () => acts.remove(message), { 'data-focus': 'delete' }) : null);
}

/**
 * item: {message, isFollowing, isEditing, isMine, mayDelete, mayReact};
 * acts: reply, edit, save, remove, react.
 */
export function sentMessage(app, item, acts) {
  const { message } = item;
  const isForMe = message.mention_everyone || message.mentions.includes(app.store.me?.id);
  const classes = ['message', !item.isFollowing && 'first', isForMe && 'for-me'].filter(Boolean);
  const element = h('li', { class: classes.join(' '), 'data-id': message.id },
    reference(app, message),
    header(app, item),
    item.isEditing
      ? editor(message, acts)
      : text(app, message),
    message.attachments.length > 0
      ? h('div', { class: 'attachments' }, message.attachments.map(attachment))
      : null,
    reactionList(app, message, acts),
    item.isEditing ? null : actions(item, acts));
  showReactions(element, item);
  return element;
}

/** One that is not confirmed; when it could not be sent, it says why. */
export function pendingMessage(app, pending) {
  const { outbox, store } = app;
  const files = pending.files.map((file) => file.filename).join(', ');
  return h('li', { class: 'message first pending' },
    h('p', { class: 'by' }, h('b', {}, pending.author.display_name ?? pending.author.username)),
    h('div', { class: 'text' }, render(pending.content, store, store.selected.server)),
    files ? h('p', { class: 'note' }, files) : null,
    pending.problem
      ? h('p', { class: 'problem row' }, `Not sent: ${pending.problem.text}`,
        button('Send again', () => outbox.retry(pending)),
        button('Discard', () => outbox.discard(pending)))
      : h('p', { class: 'note' }, 'Sending…'));
}
