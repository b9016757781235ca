// SPDX-License-Identifier: MIT
// Where one writes: Enter sends, Shift+Enter begins a line, Arrow Up edits one's last message. What
// is being written, replied to and attached belongs to its channel and waits there.

import { $, KeyedList, announce, button, h } from '../dom.js';
import { withMentions } from './text.js';

const TYPING_EVERY_MS = 4000;

class Composer {
  #app;
  #text = $('#composer-text');
  #problem = $('#composer .problem');
  #files;
  #drafts = new Map(); // channel id -> {text, reply, files}
  #typingTold = 0;
  #uploads = 0;

  constructor(app) {
    this.#app = app;
    this.#files = new KeyedList($('#composer-files'), (file) => this.#fileItem(file),
      ({ name, progress, problem, uploaded }) => JSON.stringify([name, progress, problem, uploaded?.id]));
    $('#composer').addEventListener('submit', (e) => {
      e.preventDefault();
      this.#send();
    });
    this.#text.addEventListener('input', () => this.#onInput());
    this.#text.addEventListener('keydown', (e) => this.#onKey(e));
    this.#text.addEventListener('paste', (e) => this.#addFiles(e.clipboardData.files));
    $('#composer-file').addEventListener('change', (e) => {
      this.#addFiles(e.target.files);
      e.target.value = '';
    });
    $('#composer-reply button').addEventListener('click', () => this.reply(null));
  }

  get #draft() {
    const id = this.#app.store.selected.channel;
    if (!this.#drafts.has(id)) this.#drafts.set(id, { text: '', reply: null, files: [] });
    return this.#drafts.get(id);
  }

  /** Another channel is shown. */
  arrive() {
    const { channel } = this.#app.store;
    $('#composer').hidden = channel === null;
    if (channel === null) return;
    this.#text.value = this.#draft.text;
    this.#text.placeholder = `Message #${channel.name}`;
    this.#fit();
    this.#show();
    this.#text.focus();
  }

  reply(message) {
    this.#draft.reply = message;
    this.#show();
    this.#text.focus();
  }

  #show() {
    const { reply, files } = this.#draft;
    const { store } = this.#app;
    $('#composer-reply').hidden = reply === null;
    $('#composer-reply span').textContent =
      reply === null ? '' : `Replying to ${store.nameOf(reply.server_id, reply.author)}`;
    this.#files.show(files, (file) => file.key);
    this.#problem.textContent = '';
  }

  #fit() {
    this.#text.rows = Math.min(this.#text.value.split('\n').length, 8);
  }

  #onInput() {
    this.#draft.text = this.#text.value;
    this.#fit();
    this.#tellTyping(this.#text.value !== '');
  }

  #tellTyping(isTyping) {
    const now = Date.now();
    const isKnown = now - this.#typingTold < TYPING_EVERY_MS;
    if (isTyping === isKnown) return;
    this.#typingTold = isTyping ? now : 0;
    const path = `/channels/${this.#app.store.selected.channel}/typing`;
    (isTyping ? this.#app.api.post(path) : this.#app.api.delete(path)).catch(() => {});
  }

  #onKey(e) {
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
      e.preventDefault();
      this.#send();
    } else if (e.key === 'Escape' && this.#draft.reply !== null) {
      this.reply(null);
    } else if (e.key === 'ArrowUp' && this.#text.value === '') {
      e.preventDefault();
      this.#app.dispatchEvent(new Event('editlast'));
    }
  }

  #send() {
    const { store, outbox } = this.#app;
    const { reply, files } = this.#draft;
    const text = this.#text.value.trim();
    if (files.some((file) => !file.uploaded)) {
      this.#complain('A file is not uploaded yet; wait for it or remove it.');
      return;
    }
    if (text === '' && files.length === 0) return;
    outbox.send(store.selected.channel, {
      content: withMentions(text, store.server),
      reply_to: reply,
      files: files.map((file) => file.uploaded),
    });
    this.#drafts.delete(store.selected.channel);
    this.#text.value = '';
    this.#typingTold = 0;
    this.#fit();
    this.#show();
  }

  #complain(text) {
    this.#problem.textContent = text;
    announce(text);
  }

  /* ---- files ---- */

  #addFiles(list) {
    const { files } = this.#draft;
    for (const file of list) {
      this.#uploads += 1;
      const entry = { key: this.#uploads, name: file.name, progress: 0, stop: new AbortController() };
      files.push(entry);
      this.#upload(entry, file);
    }
    this.#show();
  }

  async #upload(entry, file) {
    try {
      entry.uploaded = await this.#app.api.upload(file, {
        signal: entry.stop.signal,
        onProgress: (progress) => {
          entry.progress = progress;
          this.#files.show(this.#draft.files, (one) => one.key);
        },
      });
      announce(`${entry.name} is uploaded.`);
    } catch (error) {
      entry.problem = error.text;
    }
    this.#files.show(this.#draft.files, (one) => one.key);
  }

  #fileItem(entry) {
    const { name, progress, problem, uploaded } = entry;
    return h('li', {}, h('span', {}, name),
      problem ? h('span', { class: 'problem' }, problem) : null,
      uploaded ? h('span', { class: 'note' }, 'ready') : null,
      problem || uploaded
        ? null
        : h('progress', { value: progress, max: 1, 'aria-label': `Uploading ${name}` }),
      button('Remove', () => {
        entry.stop.abort();
        this.#draft.files = this.#draft.files.filter((one) => one !== entry);
        this.#show();
      }, { 'aria-label': `Remove ${name}` }));
  }
}

function typingText(store) {
  const { channel } = store;
  const users = [...(store.typing.get(channel?.id)?.keys() ?? [])];
  const names = users.map((id) => store.nameOfId(channel.server_id, id));
  if (names.length === 0) return '';
  if (names.length > 3) return 'Several people are typing…';
  return `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} typing…`;
}

export function showComposer(app) {
  const composer = new Composer(app);
  app.addEventListener('arrived', () => composer.arrive());
  app.addEventListener('reply', (e) => composer.reply(e.detail));
  app.store.on(['typing', 'channels'], () => {
    $('#typing').textContent = typingText(app.store);
    $('#composer').hidden = app.store.channel === null;
  });
}
