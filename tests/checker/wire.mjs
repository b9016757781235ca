// SPDX-License-Identifier: MIT
// The network between one client and one gateway, which can be cut, slow or stuck.

import { createServer, connect } from 'node:net';

/** One direction of a connection: keeps the order whatever the delay. */
class Lane {
  constructor(wire, to) {
    this.wire = wire;
    this.to = to;
    this.held = [];
  }

  push(chunk) {
    if (this.wire.delayMs === 0 && this.held.length === 0) return void this.to.write(chunk);
    this.held.push({ chunk, due: Date.now() + this.wire.delayMs });
    if (this.held.length === 1) this.wait();
    return undefined;
  }

  wait() {
    this.timer = setTimeout(() => this.release(), Math.max(0, this.held[0].due - Date.now()));
  }

  release() {
    while (this.held.length > 0 && this.held[0].due <= Date.now()) this.to.write(this.held.shift().chunk);
    if (this.held.length > 0) this.wait();
  }

  end() {
    clearTimeout(this.timer);
    this.held = [];
  }
}

export class Wire {
  static async open(target) {
    const wire = new Wire();
    const { hostname, port } = new URL(target);
    wire.target = { host: hostname, port: Number(port) };
    wire.pairs = new Set();
    wire.delayMs = 0;
    wire.server = createServer((client) => wire.join(client));
    await new Promise((resolve) => {
      wire.server.listen(0, '127.0.0.1', resolve);
    });
    wire.base = `http://127.0.0.1:${wire.server.address().port}`;
    return wire;
  }

  join(client) {
    const gateway = connect(this.target);
    const there = new Lane(this, gateway);
    const back = new Lane(this, client);
    const pair = { client, gateway };
    const end = () => {
      for (const it of [client, gateway, there, back]) (it.destroy ?? it.end).call(it);
      this.pairs.delete(pair);
    };
    this.pairs.add(pair);
    client.setNoDelay(true).on('data', (chunk) => there.push(chunk));
    gateway.setNoDelay(true).on('data', (chunk) => back.push(chunk));
    for (const socket of [client, gateway]) socket.on('error', end).on('close', end);
    if (this.isStuck) gateway.pause();
  }

  /** Every connection ends at once, whatever was under way. */
  cut() {
    for (const { client, gateway } of this.pairs) {
      client.destroy();
      gateway.destroy();
    }
  }

  /** For a while everything takes so much longer, both ways. */
  delay(delayMs, forMs) {
    this.delayMs = delayMs;
    clearTimeout(this.delaying);
    this.delaying = setTimeout(() => (this.delayMs = 0), forMs);
  }

  /** For a while nothing of what the gateway says is read. */
  stall(forMs) {
    this.isStuck = true;
    for (const { gateway } of this.pairs) gateway.pause();
    clearTimeout(this.stalling);
    this.stalling = setTimeout(() => this.flow(), forMs);
  }

  flow() {
    this.isStuck = false;
    for (const { gateway } of this.pairs) gateway.resume();
  }

  heal() {
    clearTimeout(this.delaying);
    clearTimeout(this.stalling);
    this.delayMs = 0;
    this.flow();
  }

  close() {
    this.heal();
    this.cut();
    this.server.close();
  }
}
