// SPDX-License-Identifier: MIT
// Puts the parts together and decides what is shown: the welcome page or the room, which server
// and which channel. The address remembers the place: /#<server>/<channel>; /invite/<code> joins.

import { Api } from './api.js';
import { announce } from './dom.js';
import { applyEvent } from './events.js';
import { Outbox } from './outbox.js';
import { Socket } from './socket.js';
import { Store } from './store.js';
import { Voice } from './voice.js';
import { showChannels } from './views/channels.js';
import { showComposer } from './views/composer.js';
import { showConnection } from './views/connection.js';
import { showMembers } from './views/members.js';
import { showMessages } from './views/messages.js';
import { offerInvite, showServers } from './views/servers.js';
import { showVoice } from './views/voice.js';
import { showWelcome } from './views/welcome.js';

class App extends EventTarget {
  api = new Api();
  store = new Store(this.api);
  outbox = new Outbox(this.api, this.store);
  socket = new Socket({ token: () => this.api.token(), cursors: () => this.store.cursors() });
  voice = new Voice(this.api, this.store, () => this.socket.sessionId);
  #awaited = null;
  #invite = /^\/invite\/([\w-]+)$/.exec(location.pathname)?.[1] ?? null;

  get invite() {
    return this.#invite;
  }

  start() {
    for (const show of [showWelcome, showConnection, showServers, showChannels, showMessages,
      showComposer, showMembers, showVoice]) show(this);
    this.socket.addEventListener('ready', (e) => this.#begin(e.detail));
    this.socket.addEventListener('resumed', (e) => this.#continue(e.detail));
    this.socket.addEventListener('event', (e) => this.#hear(e.detail));
    this.socket.addEventListener('refused', () => this.api.distrustToken());
    this.api.addEventListener('signedout', () => this.#leave());
    this.store.on(['servers', 'channels'], () => this.#keepPlace());
    addEventListener('hashchange', () => this.#goToHash());
    if (this.api.isSignedIn) this.enter();
    else this.#tellEntered(false);
  }

  /** Signed in. */
  enter() {
    this.#tellEntered(true);
    this.socket.start();
  }

  /** Somebody asked for something that did not work, where no form can say so. */
  report(error) {
    if (error.name !== 'AbortError') {
      const text = error.text ?? error.message;
      this.dispatchEvent(new CustomEvent('problem', { detail: text }));
      announce(text);
    }
  }

  attempt(promise) {
    promise.catch((error) => this.report(error));
  }

  go(serverId, channelId = null) {
    const server = this.store.servers.get(serverId);
    const channel = server?.channels.get(channelId) ?? this.#firstChannel(server);
    const hash = server ? `#${server.id}/${channel?.id ?? ''}` : '';
    if (location.hash !== hash) history.pushState(null, '', `/${hash}`);
    this.#select(server?.id ?? null, channel?.id ?? null);
  }

  /** To what was just made or joined; the answer may be faster than the event that brings it. */
  goWhenThere(serverId, channelId = null) {
    this.#awaited = { serverId, channelId };
    this.#keepPlace();
  }

  #tellEntered(isIn) {
    this.dispatchEvent(new CustomEvent('entered', { detail: isIn }));
  }

  #begin(ready) {
    const { server } = this.store.selected;
    this.store.begin(ready);
    this.#goToHash();
    this.#refresh(server);
    this.attempt(this.voice.refresh());
    if (this.#invite !== null) {
      const code = this.#invite;
      this.#invite = null;
      history.replaceState(null, '', `/${location.hash}`);
      offerInvite(this, code);
    }
  }

  #continue(resumed) {
    if (resumed.user) this.store.me = resumed.user;
    if (resumed.read_states) this.store.setReads(resumed.read_states);
    this.#refresh(this.store.selected.server);
    this.attempt(this.voice.resume());
  }

  /** What no number covers, so that a lost connection may have lost some of it. */
  #refresh(serverBefore) {
    const { server } = this.store.selected;
    if (server !== null && server === serverBefore) this.#loadPeople(server);
    this.outbox.retryAll();
  }

  #hear(event) {
    applyEvent(this.store, event);
    this.voice.hear(event);
  }

  #leave() {
    this.socket.stop();
    this.voice.hangUp();
    this.store.clear();
    history.replaceState(null, '', '/');
    this.#tellEntered(false);
  }

  #goToHash() {
    const [server, channel] = location.hash.slice(1).split('/');
    this.go(this.#existing(server), channel);
  }

  #existing(serverId) {
    return this.store.servers.has(serverId) ? serverId : this.store.servers.keys().next().value;
  }

  /** The place one waits for may be there now; the place one is at may be taken away. */
  #keepPlace() {
    if (this.#isThere(this.#awaited)) {
      const { serverId, channelId } = this.#awaited;
      this.#awaited = null;
      this.go(serverId, channelId);
      return;
    }
    const { server, channel } = this.store.selected;
    const isGone = !this.store.servers.has(server) || (channel !== null && !this.store.channel);
    if (server !== null && isGone) this.go(this.#existing(server));
  }

  #isThere(place) {
    const server = this.store.servers.get(place?.serverId);
    return server !== undefined && (place.channelId === null || server.channels.has(place.channelId));
  }

  #firstChannel(server) {
    const channels = [...(server?.channels.values() ?? [])].sort((a, b) => a.position - b.position);
    return channels.find((channel) => channel.type === 'text') ?? null;
  }

  #select(server, channel) {
    const isOtherServer = this.store.selected.server !== server;
    const isOtherChannel = this.store.selected.channel !== channel;
    this.store.selected = { server, channel };
    this.store.changed('servers', 'channels', 'members', 'messages', 'typing', 'voice');
    if (isOtherServer && server !== null) this.#loadPeople(server);
    if (isOtherChannel && channel !== null) {
      this.attempt(this.store.openChannel(channel));
      this.dispatchEvent(new Event('arrived'));
    }
  }

  #loadPeople(serverId) {
    const server = this.store.servers.get(serverId);
    if (server.memberCursor === null) this.attempt(this.store.loadMembers(serverId));
    this.store.loadPresences(serverId).catch(() => {}); // then it is not known who is online
    for (const channel of server.channels.values()) {
      if (channel.type === 'voice') this.voice.look(channel.id).catch(() => {});
    }
  }
}

new App().start();
