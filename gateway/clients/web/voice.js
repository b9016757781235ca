// SPDX-License-Identifier: MIT
// Talking: the one voice channel this page takes part in, with a connection to every other
// participant. Who is there comes from the store, which the events keep; here the connections
// follow it. A participant is a user on one device: on another device it is another connection.

import { Peer } from './peer.js';

const MICROPHONE = { audio: { echoCancellation: true, noiseSuppression: true } };

/** Somebody who left and came back is not who they were; a signal alone does not say when. */
function isSameSeat(a, b) {
  if (a?.session_id !== b.session_id) return false;
  return !a.joined_at || !b.joined_at || a.joined_at === b.joined_at;
}

/** Whoever came later calls. Who is known by a signal alone has called already. */
function isLater(a, b) {
  if (!b.joined_at) return false;
  if (a.joined_at !== b.joined_at) return a.joined_at > b.joined_at;
  return BigInt(a.user_id) > BigInt(b.user_id);
}

/** Emits `change`. */
export class Voice extends EventTarget {
  channelId = null;
  isMuted = false;
  isDeafened = false;
  #api;
  #store;
  #sessionId;
  #mySession = null; // as we told it when we joined
  #stream = null;
  #iceServers = [];
  #seat = null; // when we took it: another one is another talk
  #peers = new Map(); // user id -> {peer, participant}
  #early = null; // signals that came before the answer to our joining

  constructor(api, store, sessionId) {
    super();
    this.#api = api;
    this.#store = store;
    this.#sessionId = sessionId;
    store.on(['voice'], () => this.#follow());
    addEventListener('pagehide', () => {
      if (this.channelId !== null) this.#api.atLast('DELETE', this.#path());
    });
  }

  stateOf(userId) {
    return userId === this.#store.me?.id ? 'connected' : this.#peers.get(userId)?.peer.state;
  }

  async join(channelId) {
    if (this.channelId === channelId) return;
    this.hangUp();
    this.#stream = await this.#openMicrophone();
    this.channelId = channelId;
    try {
      await this.#enter();
    } catch (error) {
      this.hangUp();
      throw error;
    }
  }

  async leave() {
    const path = this.#path();
    this.hangUp();
    await this.#api.delete(path);
  }

  /** Without a word to anybody: it is over already, or will be found out. */
  hangUp() {
    this.#dropPeers(() => true);
    this.#seat = null;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.channelId = null;
    this.#early = null;
    this.#changed();
  }

  async setMuted(isMuted) {
    this.isMuted = isMuted;
    if (!isMuted) this.isDeafened = false;
    await this.#tellState();
  }

  async setDeafened(isDeafened) {
    this.isDeafened = isDeafened;
    this.isMuted = isDeafened;
    await this.#tellState();
  }

  /** Who is in a channel; of the one we take part in we hear, and an answer may be older than that. */
  async look(channelId) {
    const participants = await this.#api.get(`/channels/${channelId}/voice`);
    if (channelId !== this.channelId) this.#store.setRoom(channelId, participants);
  }

  /** A session began: the one we joined from is over, and our seat with it. */
  async refresh() {
    if (this.channelId !== null) await this.#enter();
  }

  /** A session goes on, and our seat with it, unless it does so as another one at another gateway. */
  async resume() {
    if (this.#mySession !== this.#sessionId()) await this.refresh();
  }

  hear({ t, d }) {
    const isOurs = t === 'voice.signal' && d.to_session_id === this.#mySession;
    if (!isOurs || d.channel_id !== this.channelId) return;
    if (this.#early !== null) this.#early.push(d);
    else this.#takeSignal(d);
  }

  get #mine() {
    return this.#store.rooms.get(this.channelId)?.get(this.#store.me?.id);
  }

  #path() {
    return `/channels/${this.channelId}/voice`;
  }

  async #openMicrophone() {
    try {
      return await navigator.mediaDevices.getUserMedia(MICROPHONE);
    } catch (error) {
      throw new Error(`The microphone cannot be used: ${error.message}`);
    }
  }

  async #enter() {
    const { channelId } = this;
    this.#mySession = this.#sessionId();
    this.#early = [];
    const room = await this.#api.post(this.#path(), { session_id: this.#mySession, ...this.#state() });
    if (this.channelId !== channelId) return;
    this.#iceServers = room.ice_servers;
    const early = this.#early;
    this.#early = null;
    const seat = room.participants.find((p) => p.user_id === this.#store.me.id)?.joined_at;
    if (seat !== this.#seat) this.#dropPeers(() => true); // the others have closed theirs
    this.#seat = seat;
    this.#store.setRoom(channelId, room.participants);
    for (const signal of early) this.#takeSignal(signal);
  }

  #state() {
    return { muted: this.isMuted, deafened: this.isDeafened };
  }

  async #tellState() {
    this.#apply();
    await this.#api.patch(this.#path(), this.#state());
  }

  #apply() {
    const isSilenced = this.#mine?.server_muted ?? false;
    for (const track of this.#stream?.getAudioTracks() ?? []) {
      track.enabled = !this.isMuted && !isSilenced;
    }
    for (const { peer } of this.#peers.values()) peer.isSilent = this.isDeafened;
    this.#changed();
  }

  /** The connections become what the room is. */
  #follow() {
    if (this.channelId === null || this.#early !== null) return;
    const room = this.#store.rooms.get(this.channelId) ?? new Map();
    if (this.#mine?.session_id !== this.#mySession) {
      this.hangUp(); // removed, or talking on another device now
      return;
    }
    this.#dropPeers((userId, participant) => !isSameSeat(room.get(userId), participant));
    for (const participant of room.values()) this.#meet(participant);
    this.#apply();
  }

  #dropPeers(isOver) {
    for (const [userId, { peer, participant }] of this.#peers) {
      if (isOver(userId, participant)) {
        peer.close();
        this.#peers.delete(userId);
      }
    }
  }

  #meet(participant) {
    const userId = participant.user_id;
    if (userId === this.#store.me.id) return;
    if (this.#peers.has(userId)) {
      this.#peers.get(userId).participant = participant;
      return;
    }
    const path = `${this.#path()}/signal`;
    const peer = new Peer({
      stream: this.#stream,
      iceServers: this.#iceServers,
      isCaller: isLater(this.#mine, participant),
      send: (kind, payload) => this.#api.post(path, { to_user_id: userId, kind, payload }),
      onState: () => this.#changed(),
    });
    this.#peers.set(userId, { peer, participant });
  }

  /** It may be faster than the news that its sender is there: then it is the news. */
  #takeSignal(signal) {
    const { from_user_id: userId, from_session_id: session } = signal;
    if (this.#peers.get(userId)?.participant.session_id !== session) {
      const room = this.#store.rooms.get(this.channelId);
      room.set(userId, { user_id: userId, session_id: session });
      this.#store.changed('voice');
    }
    this.#peers.get(userId)?.peer.hear(signal.kind, signal.payload);
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
