// SPDX-License-Identifier: MIT
// A connection to one other participant. The caller makes the first offer; from then on either side
// may, and when both do at once the caller gives way (perfect negotiation). What comes in is
// worked off one by one, what goes out is sent one by one, and candidates travel together, because
// each sending counts.

const CANDIDATES_TOGETHER_MS = 100;
const STUCK_MS = 15_000; // a relay that refuses us shows in no state: only by nothing happening

export class Peer {
  state = 'connecting'; // connected, stuck
  #pc;
  #stream;
  #isCaller;
  #hasTracks = false;
  #send;
  #onState;
  #incoming = Promise.resolve();
  #outgoing = Promise.resolve();
  #candidates = [];
  #batch = null;
  #early = []; // candidates that came before the description they belong to
  #isOffering = false;
  #isIgnoring = false;
  #stuck = null;
  #audio = new Audio();

  /** send(kind, payload): Promise; onState(): its state changed. */
  constructor({ stream, iceServers, isCaller, send, onState }) {
    this.#stream = stream;
    this.#isCaller = isCaller;
    this.#send = send;
    this.#onState = onState;
    this.#audio.autoplay = true;
    this.#pc = new RTCPeerConnection({ iceServers });
    this.#pc.onnegotiationneeded = () => this.#offer();
    this.#pc.onicecandidate = (e) => e.candidate && this.#tellCandidate(e.candidate);
    this.#pc.onconnectionstatechange = () => this.#follow();
    this.#pc.ontrack = (e) => this.#play(e);
    this.#stuck = setTimeout(() => this.#become('stuck'), STUCK_MS);
    if (isCaller) this.#addTracks();
  }

  set isSilent(value) {
    this.#audio.muted = value;
  }

  /** A signal of the other side. */
  hear(kind, payload) {
    const take = kind === 'candidate'
      ? () => this.#takeCandidates([payload].flat())
      : () => this.#takeDescription(kind, payload);
    this.#incoming = this.#incoming.then(take)
      .catch((error) => console.warn('signal', kind, error));
  }

  close() {
    clearTimeout(this.#stuck);
    clearTimeout(this.#batch);
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
    this.#audio.srcObject = null;
  }

  /** Which makes the browser want to negotiate, unless it is about to answer anyway. */
  #addTracks() {
    if (this.#hasTracks) return;
    this.#hasTracks = true;
    for (const track of this.#stream.getTracks()) this.#pc.addTrack(track, this.#stream);
  }

  async #offer() {
    try {
      this.#isOffering = true;
      await this.#pc.setLocalDescription();
      this.#tellDescription();
    } catch (error) {
      console.warn('offer', error);
    } finally {
      this.#isOffering = false;
    }
  }

  async #takeDescription(kind, description) {
    const collides = kind === 'offer' && (this.#isOffering || this.#pc.signalingState !== 'stable');
    this.#isIgnoring = collides && !this.#isCaller;
    if (this.#isIgnoring) return;
    await this.#pc.setRemoteDescription({ type: kind, sdp: description.sdp });
    await this.#takeCandidates(this.#early.splice(0));
    if (kind === 'offer') {
      this.#addTracks();
      await this.#pc.setLocalDescription();
      this.#tellDescription();
    }
  }

  /** Those of an offer that was ignored go with it; one that does not fit costs no other. */
  async #takeCandidates(candidates) {
    if (this.#isIgnoring) return;
    if (this.#pc.remoteDescription === null) {
      this.#early.push(...candidates);
      return;
    }
    for (const candidate of candidates) {
      await this.#pc.addIceCandidate(candidate).catch((error) => console.warn('candidate', error));
    }
  }

  #tellDescription() {
    const { type, sdp } = this.#pc.localDescription;
    this.#tell(type, { type, sdp });
  }

  #tellCandidate(candidate) {
    this.#candidates.push(candidate.toJSON());
    this.#batch ??= setTimeout(() => {
      this.#batch = null;
      this.#tell('candidate', this.#candidates.splice(0));
    }, CANDIDATES_TOGETHER_MS);
  }

  #tell(kind, payload) {
    this.#outgoing = this.#outgoing
      .then(() => this.#send(kind, payload))
      .catch((error) => console.warn('signal', kind, error));
  }

  #play({ track, streams }) {
    this.#audio.srcObject = streams[0] ?? new MediaStream([track]);
    this.#audio.play().catch(() => {}); // not before the first click, some browsers say
  }

  #follow() {
    const state = this.#pc.connectionState;
    if (state === 'connected') this.#become('connected');
    if (state === 'disconnected') this.#become('connecting');
    if (state === 'failed') {
      this.#become('stuck');
      this.#pc.restartIce();
    }
  }

  #become(state) {
    clearTimeout(this.#stuck);
    this.state = state;
    this.#onState();
  }
}
