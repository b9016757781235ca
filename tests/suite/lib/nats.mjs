// SPDX-License-Identifier: MIT
// A NATS client small enough to read: it connects as one of the bus's users and says what the
// server lets it do. (https://docs.nats.io/reference/reference-protocols/nats-protocol)

import { connect } from 'node:net';
import { until, within } from './wait.mjs';

export class Bus {
  constructor(url) {
    const { hostname, port, username, password } = new URL(url);
    this.errors = [];
    this.messages = [];
    this.pongs = 0;
    this.buffer = Buffer.alloc(0);
    this.socket = connect(port, hostname);
    this.socket.on('error', () => {});
    this.socket.on('data', (data) => this.take(data));
    this.write(`CONNECT ${JSON.stringify({ verbose: false, user: username, pass: password, headers: true, protocol: 1 })}\r\n`);
  }

  write(text) {
    this.socket.write(text);
  }

  take(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    for (let end; (end = this.buffer.indexOf('\r\n')) >= 0;) {
      const [verb, ...args] = this.buffer.subarray(0, end).toString().split(' ');
      const size = /^H?MSG$/.test(verb) ? Number(args.at(-1)) + 2 : 0;
      if (this.buffer.length < end + 2 + size) return;
      const payload = this.buffer.subarray(end + 2, end + size);
      this.buffer = this.buffer.subarray(end + 2 + size);
      if (size) this.keep(verb, args, payload);
      else if (verb === '-ERR') this.errors.push(args.join(' '));
      else if (verb === 'PONG') this.pongs++;
      else if (verb === 'PING') this.write('PONG\r\n');
    }
  }

  keep(verb, args, payload) {
    const head = verb === 'HMSG' ? Number(args.at(-2)) : 0;
    const lines = payload.subarray(0, head).toString().split('\r\n').slice(1).filter(Boolean);
    const headers = Object.fromEntries(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
    this.messages.push({ subject: args[0], headers, body: payload.subarray(head).toString() });
  }

  /** Everything said so far has been heard by the server, and its complaints by us. */
  async flush() {
    const before = this.pongs;
    this.write('PING\r\n');
    await until('PONG', () => this.pongs > before);
  }

  publish(subject, body = '', reply = '') {
    this.write(`PUB ${subject} ${reply ? `${reply} ` : ''}${Buffer.byteLength(body)}\r\n${body}\r\n`);
    return this.flush();
  }

  subscribe(subject, id = 1) {
    this.write(`SUB ${subject} ${id}\r\n`);
    return this.flush();
  }

  message(subject) {
    return within(5000, `a message on ${subject}`, until('it', () => this.messages.find((it) => subject.test(it.subject))));
  }

  close() {
    this.socket.destroy();
  }
}
