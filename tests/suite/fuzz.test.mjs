// SPDX-License-Identifier: MIT
// Whatever comes in, a refusal comes out: bodies, fields, queries, paths and headers that are not
// as documented answer 4xx, name the field where one is at fault, and never hurt a process.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { before, test } from 'node:test';
import { operations, prefix } from './lib/contract.mjs';
import { garbage, invalid, seed, valid } from './lib/generate.mjs';
import { call } from './lib/person.mjs';
import { first, gateways } from './lib/stack.mjs';
import { callerOf, fill, makePeople, makeWorld, taking } from './lib/world.mjs';

let world;

before(async () => {
  world = await makeWorld(await makePeople());
});

function send(operation, options, query = '') {
  const { token } = callerOf(operation, world);
  return call(first, operation.method, fill(operation, world) + query, { token, ...options });
}

function assertRefused(given, what) {
  assert.ok(given.status >= 400 && given.status < 500, `${what}: ${given.status} ${given.text}`);
}

function assertNamed(given, field, what) {
  assert.equal(given.status, 400, `${what}: ${given.status} ${given.text}`);
  const named = (given.body.errors ?? []).map((it) => it.field);
  assert.ok(named.some((name) => name.split(/[.[]/)[0] === field), `${what}: names ${named}, not ${field}`);
}

for (const operation of taking) {
  const what = `${operation.method} ${operation.path}`;

  test(`garbage is refused: ${what}`, async () => {
    await Promise.all(garbage.map(async ([name, raw]) => {
      const given = await send(operation, { raw, headers: { 'content-type': 'application/json' } });
      assertRefused(given, `${what}: ${name}`);
    }));
  });

  test(`a wrong value is refused by its field's name: ${what} (seed ${seed})`, async () => {
    for (const [field, schema] of Object.entries(operation.body.properties)) {
      await Promise.all(invalid(schema).map(async (value) => {
        const body = { ...requiredOf(operation.body), [field]: value };
        assertNamed(await send(operation, { body }), field, `${what}: ${field} = ${JSON.stringify(value).slice(0, 40)}`);
      }));
    }
    for (const field of operation.body.required ?? []) {
      const body = requiredOf(operation.body);
      delete body[field];
      assertNamed(await send(operation, { body }), field, `${what}: without ${field}`);
    }
  });
}

const requiredOf = ({ properties, required = [] }) =>
  Object.fromEntries(required.map((key) => [key, properties[key].type ? valid(properties[key]) : {}]));

function wrongInQuery({ type, pattern }) {
  if (type === 'integer') return ['abc', '-1', '1.5', '9'.repeat(30), ''];
  return pattern ? ['abc', '0', '-1', '', '9'.repeat(30)] : ['x'.repeat(5000)];
}

for (const operation of operations) {
  const query = operation.parameters.filter((it) => it.in === 'query');
  if (query.length === 0) continue;
  test(`a wrong query is refused by its name: ${operation.method} ${operation.path}`, async () => {
    for (const { name, schema } of query) {
      for (const value of wrongInQuery(schema)) {
        const given = await send(operation, {}, `?${name}=${encodeURIComponent(value)}`);
        assertNamed(given, name, `${operation.path}?${name}=${value.slice(0, 40)}`);
      }
    }
    for (const odd of ['?%', '?%zz=%00', '?=&&=', `?${'a=b&'.repeat(500)}`, '?limit=%00', '?limit=1&limit=2']) {
      const { status } = await send(operation, {}, odd);
      assert.ok(status < 500, `${operation.path}${odd}: ${status}`);
    }
  });
}

test('ids that are none are refused on every path', async () => {
  const odd = ['abc', '0', '-1', '1.5', '9'.repeat(30), '%00', '%ff', '..', '%2e%2e%2f', '%', '@me2', 'a'.repeat(4000)];
  for (const operation of operations.filter((it) => it.path.includes('{'))) {
    const { token } = callerOf(operation, world);
    const body = operation.body ? requiredOf(operation.body) : undefined;
    await Promise.all(odd.map(async (id) => {
      const path = operation.path.replace(/\{[^}]+\}/g, id);
      const { status } = await call(first, operation.method, path, { token, body, isChecked: !id.startsWith('..') });
      assert.ok(status >= 400 && status < 500, `${operation.method} ${path}: ${status}`);
    }));
  }
});

test('unknown keys are ignored', async () => {
  const { owner, channel } = world;
  const message = await owner.send(channel, 'with more', { colour: 'red', nested: { deep: [1, 2, { x: null }] } });
  assert.equal(message.content, 'with more');
  assert.equal(message.colour, undefined);
});

test('what is no route, or not this method, is said so', async () => {
  const { owner } = world;
  await owner.refused(404, 'GET', '/nowhere');
  await owner.refused(404, 'GET', '/servers/1/2/3/4/5/6/7/8');
  const given = await owner.call('DELETE', '/auth/login');
  assert.equal(given.status, 405);
  assert.match(given.headers.get('allow'), /POST/);
});

/** Raw bytes in, the status line out ('' when the server just closes). */
function speak(base, bytes) {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(base);
    const socket = connect(port, hostname);
    let got = '';
    socket.setTimeout(3000, () => socket.destroy());
    socket.on('data', (data) => { got += data; });
    socket.on('error', () => {});
    socket.on('close', () => resolve(got.split('\r\n')[0]));
    socket.end(bytes);
  });
}

test('bytes that are not HTTP end the connection and nothing else', async () => {
  const random = Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256));
  const lines = [
    random,
    Buffer.alloc(100000, 0),
    'GET\r\n\r\n',
    `GET ${prefix}/instance HTTP/9.9\r\n\r\n`,
    `GET ${'/'.repeat(60000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET ${prefix}/instance HTTP/1.1\r\nHost: x\r\n${'X-Many: 1\r\n'.repeat(20000)}\r\n`,
    `POST ${prefix}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`,
    `POST ${prefix}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999\r\n\r\n{}`,
    `POST ${prefix}/auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n`,
    'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 1\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  ];
  for (const bytes of lines) {
    const status = await speak(first, bytes);
    assert.doesNotMatch(status, /^HTTP\/1\.[01] (2..|5(?!05))/, String(bytes).slice(0, 60));
  }
  for (const path of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd', '/%00']) {
    assert.match(await speak(first, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), / 4\d\d/, path);
  }
});

test('after all of this every gateway and its services answer as before', async () => {
  for (const base of gateways) {
    assert.equal((await fetch(`${base}/ready`)).status, 200);
    assert.equal((await world.owner.at(base).get('/auth/me')).id, world.owner.id);
  }
});
