// SPDX-License-Identifier: MIT
// The realtime protocol: hello, identify or resume, heartbeats, and coming back after a loss. It
// knows nothing of what events mean; it counts them, because a session is resumed by that number.
//
// Emits: `state` {name, seconds}, `ready` and `resumed` (the frame's d), `event` {t, d}, and
// `refused` when the server does not take the token.

const BACK_OFF_S = [1, 2, 4, 8, 16];
const JITTER_MS = 500;
const BEGIN_DEADLINE_MS = 20_000; // from connecting to ready
const CLOSE_AUTH_FAILED = 4004;
/* Closes after which there is no session to come back to; the rest can be resumed. */
const CLOSES_FOR_GOOD = new Set([1000, CLOSE_AUTH_FAILED, 4007]);
const GOING_AWAY = 4900; // our own, so that the server keeps the session

function say(target, name, detail) {
  target.dispatchEvent(new CustomEvent(name, { detail }));
}

export class Socket extends EventTarget {
  #token;
  #cursors;
  #ws = null;
  #isWanted = false;
  #session = null; // {id, url} of what can be resumed
  #received = 0;
  #failures = 0;
  #timer = null;
  #heart = null;
  #isAcknowledged = true;

  /** token: () => Promise of an access token. cursors: () => what the store has seen. */
  constructor({ token, cursors }) {
    super();
    this.#token = token;
    this.#cursors = cursors;
    addEventListener('online', () => this.retryNow());
  }

  get sessionId() {
    return this.#session?.id ?? null;
  }

  start() {
    this.#isWanted = true;
    this.#failures = 0;
    this.#connect();
  }

  stop() {
    this.#isWanted = false;
    this.#session = null;
    this.#received = 0;
    clearTimeout(this.#timer);
    this.#drop(1000);
    say(this, 'state', { name: 'stopped' });
  }

  /** Somebody does not want to wait for the next attempt. */
  retryNow() {
    if (this.#isWanted && this.#ws === null) {
      clearTimeout(this.#timer);
      this.#connect();
    }
  }

  #connect() {
    say(this, 'state', { name: 'connecting' });
    const ws = new WebSocket(this.#url());
    this.#ws = ws;
    this.#timer = setTimeout(() => this.#lost(ws, 0), BEGIN_DEADLINE_MS);
    ws.onmessage = (e) => this.#ws === ws && this.#hear(JSON.parse(e.data));
    ws.onclose = (e) => this.#lost(ws, e.code);
  }

  /** Back to the gateway that has the session; when that one is away, to whichever answers. */
  #url() {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const own = `${scheme}//${location.host}/ws`;
    const theirs = this.#session?.url;
    return theirs?.startsWith(scheme) && this.#failures < 2 ? theirs : own;
  }

  #send(frame) {
    if (this.#ws?.readyState === WebSocket.OPEN) this.#ws.send(JSON.stringify(frame));
  }

  #hear({ op, t, d }) {
    switch (op) {
      case 'event':
        this.#received += 1;
        say(this, 'event', { t, d });
        break;
      case 'hello':
        this.#greet(d.heartbeat_interval);
        break;
      case 'ready':
      case 'resumed':
        this.#begin(op, d);
        break;
      case 'invalid_session':
        this.#session = null;
        this.#identify();
        break;
      case 'heartbeat_ack':
        this.#isAcknowledged = true;
        break;
      case 'reconnect':
        this.#lost(this.#ws, 0);
        break;
      default:
        break; // answers to requests: this page asks by REST
    }
  }

  async #greet(interval) {
    this.#startHeart(interval);
    await this.#identify();
  }

  async #identify() {
    const ws = this.#ws;
    let token;
    try {
      token = await this.#token();
    } catch {
      this.#lost(ws, 0);
      return;
    }
    if (this.#ws !== ws) return;
    if (this.#session === null) {
      this.#send({ op: 'identify', d: { token, client: { name: 'web' } } });
      return;
    }
    const d = { token, session_id: this.#session.id, received: this.#received };
    this.#send({ op: 'resume', d: { ...d, cursors: this.#cursors() } });
  }

  #begin(op, d) {
    clearTimeout(this.#timer);
    if (op === 'ready' || d.session_id !== this.#session?.id) this.#received = 0;
    this.#session = { id: d.session_id, url: d.resume_url ?? this.#session?.url };
    this.#failures = 0;
    say(this, op, d);
    say(this, 'state', { name: 'connected' });
  }

  #startHeart(interval) {
    this.#isAcknowledged = true;
    this.#heart = setInterval(() => {
      if (!this.#isAcknowledged) {
        this.#lost(this.#ws, 0);
        return;
      }
      this.#isAcknowledged = false;
      this.#send({ op: 'heartbeat', received: this.#received });
    }, interval);
  }

  #drop(code) {
    const ws = this.#ws;
    this.#ws = null;
    clearInterval(this.#heart);
    ws?.close(code);
  }

  #lost(ws, code) {
    if (ws !== this.#ws || ws === null) return;
    clearTimeout(this.#timer);
    this.#drop(GOING_AWAY);
    if (CLOSES_FOR_GOOD.has(code)) this.#session = null;
    if (!this.#isWanted) return;
    if (code === CLOSE_AUTH_FAILED) say(this, 'refused', {});
    if (!this.#isWanted) return;
    const seconds = BACK_OFF_S[Math.min(this.#failures, BACK_OFF_S.length - 1)];
    this.#failures += 1;
    this.#timer = setTimeout(() => this.#connect(), seconds * 1000 + Math.random() * JITTER_MS);
    say(this, 'state', { name: 'waiting', seconds });
  }
}
