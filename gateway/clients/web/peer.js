// SPDX-License-Identifier: MIT
// A connection to one other participant, by perfect negotiation: either side may offer at any time,
// and when both do at once the polite one gives way. What comes in is worked off one by one, what
// goes out is sent one by one, and candidates travel together, because each sending counts.

const CANDIDATES_TOGETHER_MS = 100;
const STUCK_MS = 15_000; // a relay that refuses us shows in no state: only by nothing happening

export class Peer {
  state = 'connecting'; // connected, stuck
  #pc;
  #isPolite;
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
  constructor({ stream, iceServers, isPolite, send, onState }) {
    this.#isPolite = isPolite;
    this.#send = send;
    this.#onState = onState;
    this.#audio.autoplay = true;
    this.#pc = new RTCPeerConnection({ iceServers });
    this.#pc.onnegotiationneeded = () => this.#offer();
    this.#pc.onicecandidate = (e) => e.candidate && this.#tellCandidate(e.candidate);
    this.#pc.onconnectionstatechange = () => this.#follow();
    this.#pc.ontrack = (e) => this.#play(e);
    this.#stuck = setTimeout(() => this.#become('stuck'), STUCK_MS);
    for (const track of stream.getTracks()) this.#pc.addTrack(track, stream);
  }

  set isSilent(value) {
    this.#audio.muted = value;
  }

  /** A signal of the other side. */
  hear(kind, payload) {
    this.#incoming = this.#incoming
      .then(() => (kind === 'candidate' ? this.#takeCandidates([payload].flat()) : this.#takeDescription(kind, payload)))
      .catch((error) => console.warn('signal', kind, error));
  }

  close() {
    clearTimeout(this.#stuck);
    clearTimeout(this.#batch);
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
    this.#audio.srcObject = null;
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
    this.#isIgnoring = collides && !this.#isPolite;
    if (this.#isIgnoring) return;
    await this.#pc.setRemoteDescription({ type: kind, sdp: description.sdp });
    await this.#takeCandidates(this.#early.splice(0));
    if (kind === 'offer') {
      await this.#pc.setLocalDescription();
      this.#tellDescription();
    }
  }

  async #takeCandidates(candidates) {
    if (this.#pc.remoteDescription === null) {
      this.#early.push(...candidates);
      return;
    }
    for (const candidate of candidates) {
      try {
        await this.#pc.addIceCandidate(candidate);
      } catch (error) {
        if (!this.#isIgnoring) throw error;
      }
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
