// SPDX-License-Identifier: MIT
// One user at one device: keeps a realtime session through whatever happens, on whichever gateway,
// and makes requests that are repeated with the same key until it is known what became of them.

import { call } from '../suite/lib/person.mjs';
import { Socket } from '../suite/lib/socket.mjs';
import { sleep, within } from '../suite/lib/wait.mjs';
import { Replica, isFleeting } from './replica.mjs';

const ATTEMPT_MS = 2500;
const MEMBERS_PAGE = 100;
const NEVER_RESUMED = [4004, 4007];

/** What a line about an event says it is about. */
const namesOf = (d) => (d.emoji ? `${d.message_id} ${d.emoji} ${d.user_id} ${d.count}` : (d.id ?? d.user_id ?? ''));

/** A socket whose frames go to the client in the order they came. */
class Line extends Socket {
  constructor(url, client, gateway) {
    super(url);
    this.client = client;
    this.gateway = gateway;
    this.closed.then(({ code }) => client.lost(this, code));
  }

  take(frame) {
    if (frame.op === 'response') super.take(frame);
    else this.client.take(this, frame);
  }

  /** Counted and noted by the suite's client, kept nowhere. */
  count(frame) {
    this.received++;
    this.note(frame.t, frame.d);
  }
}

export class Client {
  /** `wires`: one to each gateway. `random`: for what is no part of the script. */
  constructor(name, person, wires, world, random) {
    Object.assign(this, { name, person, wires, world, random });
    this.id = person.id;
    this.trace = world.trace;
    this.replica = new Replica((text, about) => this.trace.violate(name, text, about));
    this.gateway = random.between(0, wires.length - 1);
    this.keys = 0;
    this.mine = []; /* writes of messages it was answered */
  }

  /* ---- the session ---- */

  connect(gateway = this.gateway) {
    this.gateway = gateway;
    const url = `${this.wires[gateway].base.replace('http', 'ws')}/ws`;
    const line = new Line(url, this, gateway);
    const last = this.line;
    if (last?.sessionId) {
      line.sessionId = last.sessionId;
      line.received = last.received;
      line.cursors = { ...last.cursors };
    }
    /* An answer may come on the socket after the one that asked. */
    line.asked = last?.asked ?? 0;
    this.line = line;
    return line;
  }

  /** Ends with everything told: a `ready` or `resumed` has come on the present socket. */
  get isLive() {
    return this.line?.isLive === true && !this.line.isClosed;
  }

  lost(line, code) {
    line.isLive = false;
    this.trace.note(this.name, `closed with ${code}`);
    if (NEVER_RESUMED.includes(code)) this.trace.violate(this.name, `closed with ${code}`);
    if (line !== this.line || this.isDone) return;
    this.again = setTimeout(() => this.connect(this.nextGateway()), this.random.between(20, 200));
  }

  nextGateway() {
    const wanted = this.wanted ?? (this.random.chance(0.4) ? this.random.between(0, this.wires.length - 1) : this.gateway);
    this.wanted = undefined;
    return wanted;
  }

  /** The connection breaks; the session is resumed at `gateway`, or anywhere. */
  drop(gateway) {
    this.wanted = gateway;
    this.line?.ws.terminate();
  }

  take(line, frame) {
    if (line !== this.line) return;
    this[`on_${frame.op}`]?.(line, frame);
  }

  on_hello(line) {
    if (line.sessionId === undefined) return this.identify(line);
    return line.send({
      op: 'resume',
      d: { token: this.person.token, session_id: line.sessionId, received: line.received, cursors: line.cursors },
    });
  }

  identify(line) {
    line.send({ op: 'identify', d: { token: this.person.token } });
  }

  on_ready(line, { d }) {
    this.trace.note(this.name, `ready at gateway ${line.gateway + 1}`);
    line.begin(d);
    this.replica.begin(d);
    line.isLive = true;
    for (const server of d.servers) this.fetchMembers(server.id);
  }

  on_resumed(line, { d }) {
    const isNew = d.session_id !== line.sessionId;
    this.trace.note(this.name, `resumed at gateway ${line.gateway + 1}, ${isNew ? 'by cursors' : 'from the ring'}, ${d.replayed}`);
    if (isNew) {
      line.received = 0;
      line.sessionId = d.session_id;
      this.replica.readStates(d.read_states);
    }
    line.isLive = true;
  }

  on_invalid_session(line) {
    this.trace.note(this.name, 'invalid_session');
    line.isLive = false;
    line.cursors = {};
    line.sessionId = undefined;
    this.replica.clear();
    this.identify(line);
  }

  on_reconnect(line) {
    line.close();
  }

  on_event(line, frame) {
    const { t, d } = frame;
    if (!isFleeting(t)) this.trace.note(this.name, `${t} ${namesOf(d)} ${d.rev ?? d.seq ?? ''}`, d.channel_id ?? d.server_id ?? d.id);
    if (t === 'server.create') this.forgetCursors(line, d.id);
    if (t === 'server.leave' || t === 'server.delete') this.forgetCursors(line, d.server_id);
    line.count(frame);
    this.replica.event(t, d);
    this.world.heard(this, t, d);
    if (t === 'server.create') this.joined(d.id);
  }

  forgetCursors(line, serverId) {
    delete line.cursors[serverId];
    for (const id of this.replica.servers.get(serverId)?.channels.keys() ?? []) delete line.cursors[id];
  }

  joined(serverId) {
    this.fetchMembers(serverId);
    this.fetchReads(serverId);
  }

  beat() {
    if (this.isLive) this.line.send({ op: 'heartbeat', received: this.line.received });
  }

  close() {
    this.isDone = true;
    clearTimeout(this.again);
    this.line?.ws.terminate();
  }

  /* ---- what events leave out ---- */

  async fetchMembers(serverId) {
    const server = this.replica.servers.get(serverId);
    const path = `/servers/${serverId}/members?limit=${MEMBERS_PAGE}`;
    const list = await this.fetchFor(server, serverId, path);
    if (!list) return;
    this.replica.addMembers(serverId, list);
    server.hasMembers = true;
  }

  async fetchReads(serverId) {
    const server = this.replica.servers.get(serverId);
    const list = await this.fetchFor(server, serverId, `/servers/${serverId}/unread`);
    if (list) this.replica.readStates(list);
  }

  /** Asked until it is answered, or no longer needed. */
  async fetchFor(server, serverId, path) {
    while (!this.isDone && this.replica.servers.get(serverId) === server) {
      const given = await this.attempt({ method: 'GET', path });
      if (given?.status === 200) return given.body;
      if (given && given.status < 500) return undefined;
      await sleep(100);
    }
    return undefined;
  }

  /* ---- requests ---- */

  newKey() {
    return `${this.world.seed}-${this.name}-${++this.keys}`;
  }

  /** One attempt by REST: what was answered, or undefined when that is not known. */
  async attempt({ method, path, body, key }, gateway = this.random.between(0, this.wires.length - 1)) {
    const headers = key ? { 'idempotency-key': key } : {};
    try {
      return await call(this.wires[gateway].base, method, path, { token: this.person.token, body, headers, ms: ATTEMPT_MS });
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') this.trace.violate(this.name, `contract: ${error.message}`);
      return undefined;
    }
  }

  /** The same as a command on the socket. */
  async command({ name, params, body, key }) {
    if (!this.isLive) return undefined;
    try {
      const answer = this.line.request(name, { ...params, ...body }, key ? { key } : {});
      const { status, d } = await within(ATTEMPT_MS, name, answer);
      return { status, body: d };
    } catch {
      return undefined;
    }
  }

  /**
   * Repeats a request until it is known what became of it. Answers it, or undefined: then it may
   * have happened or not. `once`: no second attempt. `bySocket`: the first attempt is a command.
   * A refusal is final only for the attempt it answers: an earlier one without an answer may sit in
   * a process that is frozen, and be served within its deadline once that goes on.
   */
  async persist(request, { once = false, bySocket = false } = {}) {
    let isUnsure = false;
    for (let tries = 0; ; tries++) {
      const given = tries === 0 && bySocket ? await this.command(request) : await this.attempt(request);
      if (given?.status === 500) this.trace.violate(this.name, `500 to ${request.method} ${request.path}: ${given.text}`);
      if (given && given.status < 500) return isUnsure && given.status >= 400 ? undefined : given;
      isUnsure = true;
      if (once) return undefined;
      if (Date.now() > this.world.deadline) {
        this.trace.violate(this.name, `${request.method} ${request.path} fails long after all is well: ${given?.status}`);
        return undefined;
      }
      await sleep(this.random.between(30, 200));
    }
  }
}
