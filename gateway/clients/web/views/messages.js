// SPDX-License-Identifier: MIT
// The conversation: stays at its end while one is there, loads older messages as one scrolls up,
// and says how far one has read, but only while one can see it.

import { $, KeyedList, announce } from '../dom.js';
import { may } from '../permissions.js';
import { openDialog } from './form.js';
import { excerpt, pendingMessage, sentMessage } from './message.js';
import { react, showReactions } from './reactions.js';

const NEAR_PX = 80; // of the end, or of the beginning
const FOLLOWS_MS = 5 * 60_000;
const READ_DELAY_MS = 500;

function isFollowing(previous, message) {
  return (
    previous !== undefined &&
    previous.author.id === message.author.id &&
    message.reply_to === null &&
    new Date(message.created_at) - new Date(previous.created_at) < FOLLOWS_MS
  );
}

/* What changes without the element being made anew. */
const IN_PLACE = new Set(['reactions', 'rev', 'nonce']);

function sign(item) {
  return JSON.stringify(item, (key, value) => (IN_PLACE.has(key) ? undefined : value));
}

class Conversation {
  #app;
  #acts;
  #sent;
  #pending;
  #editing = null;
  #shown = { channel: null, latest: 0 };
  #read = new Map(); // channel id -> seq, not told yet
  #readTimer = null;
  #isLoading = false;
  #scroller = $('#scroller');

  constructor(app) {
    this.#app = app;
    this.#acts = {
      reply: (message) => app.dispatchEvent(new CustomEvent('reply', { detail: message })),
      edit: (id) => this.edit(id),
      save: (message, text) => app.attempt(this.#save(message, text)),
      remove: (message) => this.#remove(message),
      react: (message, emoji, isAdded) => app.attempt(react(app, message, emoji, isAdded)),
    };
    this.#sent = new KeyedList($('#messages'), (item) =>
      item.pending ? pendingMessage(app, item.pending) : sentMessage(app, item, this.#acts), sign);
    this.#scroller.addEventListener('scroll', () => this.#onScroll());
    this.#scroller.addEventListener('load', () => this.#shown.isAtEnd && this.#goToEnd(), true);
    addEventListener('focus', () => this.#noteRead());
    addEventListener('pagehide', () => this.#tellRead((path, body) => app.api.atLast('PUT', path, body)));
    new ResizeObserver(() => this.#shown.isAtEnd && this.#goToEnd()).observe(this.#scroller);
  }

  show() {
    const { store } = this.#app;
    const { channel, timeline } = store;
    const isOther = this.#shown.channel !== store.selected.channel;
    const wasAtEnd = isOther || this.#isAtEnd();
    const keepPlace = this.#placeKeeper();
    this.#showHead(store.server, channel, timeline);
    this.#showItems(timeline ? this.#items(timeline) : []);
    if (wasAtEnd) this.#goToEnd();
    else keepPlace();
    if (!isOther) this.#announceNew(timeline);
    this.#shown = {
      channel: store.selected.channel,
      latest: timeline?.latest?.seq ?? 0,
      isAtEnd: wasAtEnd,
    };
    this.#noteRead();
  }

  edit(id) {
    const was = this.#editing;
    this.#editing = id;
    this.show();
    if (id !== null) {
      const area = this.#sent.element(id)?.querySelector('textarea');
      area?.focus();
      area?.setSelectionRange(area.value.length, area.value.length);
    } else {
      this.#sent.element(was)?.querySelector('[data-focus="edit-button"]')?.focus();
    }
  }

  /** The last message one wrote oneself. */
  editLast() {
    const { timeline, me } = this.#app.store;
    const mine = timeline?.messages.findLast((message) => message.author.id === me.id);
    if (mine) this.edit(mine.id);
  }

  #showItems(items) {
    this.#sent.show(items, (item) => item.key);
    for (const item of items) {
      if (item.message) showReactions(this.#sent.element(item.key), item);
    }
  }

  /** What one reads stays where it is, whatever comes or goes above it. */
  #placeKeeper() {
    const top = this.#scroller.getBoundingClientRect().top;
    const isInSight = (element) => element.getBoundingClientRect().bottom > top;
    const before = [...$('#messages').children].find(isInSight);
    const place = before?.getBoundingClientRect().top;
    return () => {
      const after = this.#sent.element(before?.dataset.id);
      if (after) this.#scroller.scrollTop += after.getBoundingClientRect().top - place;
    };
  }

  #items(timeline) {
    const { me, server } = this.#app.store;
    const mayDelete = may(server, me, 'MANAGE_MESSAGES');
    const mayReact = may(server, me, 'ADD_REACTIONS');
    const sent = timeline.messages.map((message, i) => ({
      key: message.id,
      message,
      isFollowing: isFollowing(timeline.messages[i - 1], message),
      isEditing: message.id === this.#editing,
      isMine: message.author.id === me.id,
      mayDelete,
      mayReact,
      names: this.#namesIn(message),
    }));
    return [...sent, ...timeline.pending.map((pending) => ({ key: pending.nonce, pending }))];
  }

  /** What a message shows that is not in it. */
  #namesIn({ author, mentions, server_id: serverId }) {
    const { store } = this.#app;
    return [store.nameOf(serverId, author), ...mentions.map((id) => store.nameOfId(serverId, id))];
  }

  #showHead(server, channel, timeline) {
    $('#place').textContent = channel ? `# ${channel.name}` : server?.name ?? 'Parley';
    $('#topic').textContent = channel?.topic ?? '';
    document.title = channel ? `#${channel.name} – ${server.name} – Parley` : 'Parley';
    $('#scroller').hidden = channel === null;
    $('#empty').hidden = channel !== null;
    $('#empty').textContent = server
      ? 'There is no text channel here yet.'
      : 'Choose a server, create one with +, or join one with → and an invite.';
    $('#history').textContent = !timeline?.isLoaded
      ? 'Loading…'
      : timeline.hasOlder ? '' : `This is the beginning of #${channel?.name}.`;
  }

  #announceNew(timeline) {
    const { store } = this.#app;
    const { latest } = timeline ?? {};
    if (!latest || latest.seq <= this.#shown.latest || latest.author.id === store.me.id) return;
    const who = store.nameOf(latest.server_id, latest.author);
    announce(`${who}: ${excerpt(latest, store, latest.server_id)}`);
  }

  #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #goToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #onScroll() {
    this.#shown.isAtEnd = this.#isAtEnd();
    this.#noteRead();
    if (this.#scroller.scrollTop < NEAR_PX) this.#app.attempt(this.#loadOlder());
  }

  async #loadOlder() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    try {
      await this.#app.store.loadOlder(this.#app.store.selected.channel);
    } finally {
      this.#isLoading = false;
    }
  }

  /** What is in sight is read at once here, and a moment later, with what follows, everywhere. */
  #noteRead() {
    const { store } = this.#app;
    const { channel, timeline } = store;
    const latest = timeline?.latest;
    if (!channel || !latest || !document.hasFocus() || !this.#isAtEnd()) return;
    const known = store.reads.get(channel.id);
    if (known && known.last_read_seq >= latest.seq) return;
    this.#read.set(channel.id, latest.seq);
    const put = (path, body) => this.#app.api.put(path, body);
    this.#readTimer ??= setTimeout(() => this.#app.attempt(this.#tellRead(put)), READ_DELAY_MS);
    store.setReads([{ ...known, channel_id: channel.id, last_read_seq: latest.seq, unread: 0, mentions: 0 }]);
  }

  async #tellRead(tell) {
    const read = [...this.#read];
    this.#read.clear();
    clearTimeout(this.#readTimer);
    this.#readTimer = null;
    await Promise.all(read.map(([id, seq]) => tell(`/channels/${id}/read`, { seq })));
  }

  async #save(message, text) {
    const content = text.trim();
    this.edit(null);
    if (content === '') this.#remove(message);
    else if (content !== message.content) {
      const path = `/channels/${message.channel_id}/messages/${message.id}`;
      this.#app.store.timelines.get(message.channel_id)?.put(await this.#app.api.patch(path, { content }));
      this.show();
    }
  }

  #remove(message) {
    const { store, api } = this.#app;
    openDialog({
      title: 'Delete this message?',
      text: excerpt(message, store, message.server_id),
      deed: 'Delete',
      submit: async () => {
        await api.delete(`/channels/${message.channel_id}/messages/${message.id}`);
        store.timelines.get(message.channel_id)?.remove(message.id);
        store.changed('messages');
      },
    });
  }
}

export function showMessages(app) {
  const conversation = new Conversation(app);
  app.store.on(['messages', 'channels', 'members'], () => conversation.show());
  app.addEventListener('editlast', () => conversation.editLast());
}
