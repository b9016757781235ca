// SPDX-License-Identifier: MIT
// The relay's passwords, tried at a real coturn by a small TURN client (RFC 8489, RFC 8656): what
// the API hands out relays a packet; what is forged, foreign or expired allocates nothing.

import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

const BASE = `${process.env.PARLEY_URL}/api/v1`;
const SECRET = process.env.TURN_SECRET;
const PATIENCE_MS = 5000;

const MAGIC = 0x2112a442;
const ALLOCATE = 0x0003;
const SEND_INDICATION = 0x0016;
const CREATE_PERMISSION = 0x0008;
const SUCCESS = 0x0100;
const ATTRIBUTE = {
  USERNAME: 0x0006,
  MESSAGE_INTEGRITY: 0x0008,
  ERROR_CODE: 0x0009,
  XOR_PEER_ADDRESS: 0x0012,
  DATA: 0x0013,
  REALM: 0x0014,
  NONCE: 0x0015,
  XOR_RELAYED_ADDRESS: 0x0016,
  REQUESTED_TRANSPORT: 0x0019,
};
const UDP = Buffer.from([17, 0, 0, 0]);

/** @param {[number, Buffer | string][]} attributes @param {Buffer} [key] signs the message */
function encode(type, attributes, key) {
  const transaction = randomBytes(12);
  const parts = attributes.map(([name, value]) => attribute(name, Buffer.from(value)));
  let body = Buffer.concat(parts);
  if (key !== undefined) {
    // The length counts the signature that is still to come.
    const signed = Buffer.concat([header(type, body.length + 24, transaction), body]);
    const signature = createHmac('sha1', key).update(signed).digest();
    body = Buffer.concat([body, attribute(ATTRIBUTE.MESSAGE_INTEGRITY, signature)]);
  }
  return { bytes: Buffer.concat([header(type, body.length, transaction), body]), transaction };
}

function header(type, length, transaction) {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(length, 2);
  head.writeUInt32BE(MAGIC, 4);
  return Buffer.concat([head, transaction]);
}

function attribute(name, value) {
  const bytes = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  bytes.writeUInt16BE(name, 0);
  bytes.writeUInt16BE(value.length, 2);
  value.copy(bytes, 4);
  return bytes;
}

function decode(bytes) {
  const attributes = new Map();
  for (let at = 20; at < bytes.length;) {
    const length = bytes.readUInt16BE(at + 2);
    attributes.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  const error = attributes.get(ATTRIBUTE.ERROR_CODE);
  return {
    type: bytes.readUInt16BE(0),
    transaction: bytes.subarray(8, 20),
    attributes,
    error: error === undefined ? undefined : error[2] * 100 + error[3],
  };
}

/** IPv4 only; encoding and decoding are the same. */
function xorAddress({ address, port }) {
  const value = Buffer.alloc(8);
  value.writeUInt16BE(1, 0);
  value.writeUInt16BE(port ^ (MAGIC >>> 16), 2);
  const host = Buffer.from(address.split('.').map(Number)).readUInt32BE(0);
  value.writeUInt32BE((host ^ MAGIC) >>> 0, 4);
  return value;
}

class TurnClient {
  #socket = createSocket('udp4');
  #relay;
  #login = [];
  #key;

  /** @param {string} url "turn:host:port?transport=udp" */
  constructor(url) {
    const [, host, port] = /^turn:([^:?]+):(\d+)/.exec(url);
    this.#relay = [Number(port), host];
  }

  close() {
    this.#socket.close();
  }

  async #ask(type, attributes) {
    const { bytes, transaction } = encode(type, [...attributes, ...this.#login], this.#key);
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    this.#socket.send(bytes, ...this.#relay);
    for (;;) {
      const [answer] = await once(this.#socket, 'message', { signal: deadline });
      const message = decode(answer);
      if (message.transaction.equals(transaction)) return message;
    }
  }

  /** The relay says first, by an error, what is to be signed. */
  async allocate({ username, credential }) {
    const transport = [ATTRIBUTE.REQUESTED_TRANSPORT, UDP];
    const challenge = await this.#ask(ALLOCATE, [transport]);
    assert.equal(challenge.error, 401);
    const realm = challenge.attributes.get(ATTRIBUTE.REALM);
    const nonce = challenge.attributes.get(ATTRIBUTE.NONCE);
    this.#key = createHash('md5').update(`${username}:${realm}:${credential}`).digest();
    this.#login = [[ATTRIBUTE.USERNAME, username], [ATTRIBUTE.REALM, realm], [ATTRIBUTE.NONCE, nonce]];
    return this.#ask(ALLOCATE, [transport]);
  }

  /** One packet to a peer by way of the relay. */
  async relay(peer, data) {
    const address = [ATTRIBUTE.XOR_PEER_ADDRESS, xorAddress(peer)];
    const permission = await this.#ask(CREATE_PERMISSION, [address]);
    assert.equal(permission.type, CREATE_PERMISSION | SUCCESS);
    const { bytes } = encode(SEND_INDICATION, [address, [ATTRIBUTE.DATA, data]]);
    this.#socket.send(bytes, ...this.#relay);
  }
}

function sign(username, secret = SECRET) {
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

/** What the relay answers to these: a success or the number of an error. */
async function tryOut(login) {
  const client = new TurnClient(turn.urls[0]);
  try {
    const answer = await client.allocate(login);
    return answer.type === (ALLOCATE | SUCCESS) ? 'allocated' : answer.error;
  } finally {
    client.close();
  }
}

let userId;
let turn;
let expiresAt;

before(async () => {
  const name = `turn_${randomBytes(5).toString('hex')}`;
  const body = { username: name, email: `${name}@example.org`, password: 'correct horse battery' };
  const registered = await fetch(`${BASE}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(registered.status, 201);
  const { user, access_token: token } = await registered.json();
  userId = user.id;
  const answer = await fetch(`${BASE}/voice/ice-servers`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200);
  const ice = await answer.json();
  expiresAt = ice.expires_at;
  turn = ice.ice_servers.find((server) => server.username !== undefined);
  assert.ok(turn, 'a relay is handed out');
});

test('a password says when it ends and whose it is', () => {
  const [end, owner] = turn.username.split(':');
  assert.equal(owner, userId);
  assert.equal(Number(end) * 1000, Date.parse(expiresAt));
  assert.ok(Date.parse(expiresAt) > Date.now());
  assert.deepEqual(sign(turn.username), { username: turn.username, credential: turn.credential });
});

test('a packet passes the relay with the password of the API', async () => {
  const peer = createSocket('udp4');
  const client = new TurnClient(turn.urls[0]);
  after(() => [peer, client].forEach((one) => one.close()));
  peer.bind(0, '127.0.0.1');
  await once(peer, 'listening');
  const allocated = await client.allocate(turn);
  assert.equal(allocated.type, ALLOCATE | SUCCESS);
  const relayed = allocated.attributes.get(ATTRIBUTE.XOR_RELAYED_ADDRESS);

  const arrival = once(peer, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) });
  await client.relay(peer.address(), 'hello');
  const [data, from] = await arrival;
  assert.equal(data.toString(), 'hello');
  assert.deepEqual(xorAddress(from), relayed, 'it comes from the allocated address');
});

test('the relay has room for several calls at once', async () => {
  const [end] = turn.username.split(':');
  const clients = Array.from({ length: 96 }, () => new TurnClient(turn.urls[0]));
  after(() => clients.forEach((one) => one.close()));
  // Eight ways each: a mesh of four, by UDP and by TCP, and some more.
  const answers = await Promise.all(clients.map((one, i) => one.allocate(sign(`${end}:room${i >> 3}`))));
  assert.deepEqual(answers.filter((it) => it.type !== (ALLOCATE | SUCCESS)), []);
});

test('a forged password is refused', async () => {
  assert.equal(await tryOut({ username: turn.username, credential: 'Zm9yZ2VkIHBhc3N3b3JkIQ==' }), 401);
  assert.equal(await tryOut(sign(turn.username, 'not the secret')), 401);
});

test('a password is not worth more than it says', async () => {
  const [end] = turn.username.split(':');
  const longer = `${Number(end) + 3600}:${userId}`;
  assert.equal(await tryOut({ username: longer, credential: turn.credential }), 401);
  assert.equal(await tryOut({ username: `${end}:1`, credential: turn.credential }), 401);
});

test('an expired password is refused, though it was signed with the secret', async () => {
  const now = Math.floor(Date.now() / 1000);
  assert.equal(await tryOut(sign(`${now - 1}:${userId}`)), 401);
  assert.equal(await tryOut(sign(`${now + 60}:${userId}`)), 'allocated');
});
