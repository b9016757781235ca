// SPDX-License-Identifier: MIT
// A client of /ws as its protocol guide tells to write one: it keeps cursors and a count, and it
// insists on what it is promised: per channel, numbers that rise by one.

import assert from 'node:assert/strict';
import { after } from 'node:test';
import WebSocket from 'ws';
import { until, within } from './wait.mjs';

const wsUrl = (base, query = '') => `${base.replace(/^http/, 'ws')}/ws${query}`;

/** No frame will come any more. */
const NOTHING = {};

/** What a failed test left open would keep its file from ending. The checker is no such file. */
const all = new Set();
if (process.env.NODE_TEST_CONTEXT) after(() => all.forEach((socket) => socket.ws.terminate()));

export class Socket {
  constructor(url) {
    all.add(this);
    this.frames = [];
    this.events = [];
    this.received = 0;
    this.cursors = {};
    this.answers = new Map();
    this.asked = 0;
    this.ws = new WebSocket(url, { handshakeTimeout: 10000 });
    this.opened = new Promise((resolve, reject) => {
      this.ws.on('open', resolve);
      this.ws.on('unexpected-response', (_, response) => {
        reject(Object.assign(new Error(`HTTP ${response.statusCode}`), { response }));
      });
      this.ws.on('error', reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => {
      this.ws.on('close', (code, reason) => {
        this.isClosed = true;
        all.delete(this);
        for (const { reject } of this.answers.values()) reject(new Error(`closed with ${code}`));
        resolve({ code, reason: String(reason), at: Date.now() });
      });
    });
    this.ws.on('message', (data) => this.take(JSON.parse(String(data))));
  }

  take(frame) {
    if (frame.op === 'event') {
      this.received++;
      this.note(frame.t, frame.d);
      this.events.push({ t: frame.t, d: frame.d });
    } else if (frame.op === 'response') {
      this.answers.get(frame.id)?.resolve(frame);
      this.answers.delete(frame.id);
    } else {
      this.frames.push(frame);
    }
  }

  note(type, d) {
    const isOfChannel = /^(message|reaction)\./.test(type);
    if (isOfChannel) this.step(d.channel_id, d.rev);
    else if (type === 'server.create') this.noteServer(d);
    else if (type === 'channel.create') this.cursors[d.id] = d.seq;
    else if (type === 'channel.delete') delete this.cursors[d.id];
    if (type === 'server.update') this.cursors[d.id] = d.seq;
    else if (d.server_id && d.rev && !isOfChannel) this.cursors[d.server_id] = d.rev;
  }

  noteServer(server) {
    this.cursors[server.id] = server.seq;
    for (const channel of server.channels) this.cursors[channel.id] = channel.seq;
  }

  /** A later state of one message may stand for several changes; nothing is told twice. */
  step(channelId, rev) {
    const before = this.cursors[channelId];
    if (before !== undefined && rev <= before) {
      this.disorder ??= `channel ${channelId}: ${rev} after ${before}`;
    }
    if (before !== undefined && rev > before + 1) this.jumps = (this.jumps ?? 0) + 1;
    this.cursors[channelId] = rev;
  }

  send(frame) {
    this.ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The first frame with this op that nobody has taken yet. */
  async next(op, ms = 5000) {
    const found = await until(`a frame ${op}`, () => {
      const frame = this.pick(this.frames, (it) => it.op === op);
      return frame ?? (this.isClosed && NOTHING);
    }, ms);
    if (found === NOTHING) throw new Error(`closed before a frame ${op}`);
    return found;
  }

  /** The first event of this type, and as `where` wants it, that nobody has taken yet. */
  async event(type, where = () => true, ms = 5000) {
    const found = await until(`an event ${type}`, () => this.pick(this.events, (it) => it.t === type && where(it.d)), ms);
    return found.d;
  }

  pick(list, wanted) {
    const at = list.findIndex(wanted);
    return at < 0 ? undefined : list.splice(at, 1)[0];
  }

  has(type, where = () => true) {
    return this.events.some((it) => it.t === type && where(it.d));
  }

  request(t, d = {}, more = {}) {
    const id = `c${++this.asked}`;
    const answer = new Promise((resolve, reject) => this.answers.set(id, { resolve, reject }));
    this.send({ op: 'request', id, t, d, ...more });
    return within(10000, `the answer to ${t}`, answer);
  }

  /** What a request that must succeed answers. */
  async ask(t, d) {
    const answer = await this.request(t, d);
    assert.ok(answer.status < 400, `${t}: ${JSON.stringify(answer)}`);
    return answer.d;
  }

  close(code = 1000) {
    this.ws.close(code);
    return this.closed;
  }

  /** As if the network went away: no goodbye, so that the session can be resumed. */
  drop() {
    this.ws.terminate();
    return this.closed;
  }

  begin(ready) {
    Object.assign(this, { ready, sessionId: ready.session_id, received: 0, cursors: {} });
    for (const server of ready.servers) this.noteServer(server);
    return this;
  }
}

/** Connected, with `hello` read. */
export async function open(base, query) {
  const socket = new Socket(wsUrl(base, query));
  await socket.opened;
  socket.hello = (await socket.next('hello')).d;
  return socket;
}

/** Connected and ready. */
export async function listen(person, base = person.base) {
  const socket = await open(base);
  socket.send({ op: 'identify', d: { token: person.token } });
  return socket.begin((await socket.next('ready')).d);
}

/** Continues where `lost` ended, there or on another gateway; `resumed` or `invalid_session` is read. */
export async function resume(person, lost, base = person.base, more = {}) {
  const socket = await open(base);
  Object.assign(socket, { sessionId: lost.sessionId, cursors: { ...lost.cursors }, received: lost.received });
  socket.send({
    op: 'resume',
    d: { token: person.token, session_id: lost.sessionId, received: lost.received, cursors: lost.cursors, ...more },
  });
  const frame = await until('resumed or not', () =>
    socket.pick(socket.frames, (it) => it.op === 'resumed' || it.op === 'invalid_session'));
  socket.resumed = frame;
  if (frame.op === 'resumed' && frame.d.session_id !== lost.sessionId) {
    socket.sessionId = frame.d.session_id;
    socket.received -= lost.received;
  }
  return socket;
}
