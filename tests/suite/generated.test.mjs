// SPDX-License-Identifier: MIT
// The document and the server say the same: requests made of each row's own schema are never called
// malformed, and every answer, good or bad, is one the document describes (lib/contract.mjs checks
// that for each call of the whole suite). SEED=... repeats a run.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { operations } from './lib/contract.mjs';
import { seed, valid } from './lib/generate.mjs';
import { administrator, call, newcomer, signInAgain } from './lib/person.mjs';
import { multipart } from './lib/files.mjs';
import { first } from './lib/stack.mjs';
import { fill, makePeople, makeWorld } from './lib/world.mjs';

const ROUNDS = 2;

// What a schema cannot say: the fields whose text has a grammar of its own.
const special = {
  'auth.account.create': () => ({ username: `g${Date.now().toString(36)}`, email: `g${Date.now()}@example.org`, password: 'long enough' }),
  'auth.session.create': (body) => ({ login: 'somebody', ...body }),
  'auth.user.update': (body) => ({ bio: body.bio, status_text: body.status_text, display_name: body.display_name }),
  'auth.api_key.create': (body) => ({ ...body, scopes: ['read'] }),
  /* Categories do not nest, which no schema of one field says. */
  'messaging.channel.create': ({ parent_id: parent, ...body }) => (body.type === 'category' ? body : { ...body, parent_id: parent }),
};

// What a request the schema allows must never be called.
const formProblem = '/problems/invalid_form';

let people;
let shared;
let instance;

before(async () => {
  people = await makePeople();
  shared = await makeWorld(people);
  instance = await people.boss.get('/instance');
});

after(async () => {
  const { name, registration_open, read_only, slow_mode } = instance;
  await (await administrator()).patch('/instance', { name, registration_open, read_only, slow_mode });
});

/** Rows that end a session get one to end. */
async function callerFor(operation, world) {
  if (operation.guard === 'admin') return world.boss;
  if (/^auth\.(session|user\.update)/.test(operation.id)) return newcomer();
  return world.owner;
}

/** Ids that have to be of something there. */
function anchor(body, world) {
  const known = { parent_id: world.category.id, reply_to: world.message.id, channel_id: world.channel.id };
  for (const key of Object.keys(known)) {
    if (body?.[key]) body[key] = known[key];
  }
  if (body?.channels) body.channels = [{ id: world.channel.id, position: 3, parent_id: world.category.id }];
  return body;
}

function queryOf(operation) {
  const query = new URLSearchParams();
  for (const { name, in: place, schema } of operation.parameters) {
    const value = place === 'query' && operation.id !== 'media.file.open' ? valid(schema) : null;
    const isSecondCursor = ['before', 'after', 'around'].includes(name) && (query.has('before') || query.has('after'));
    if (value !== null && !isSecondCursor) query.set(name, value);
  }
  const text = query.toString();
  return text ? `?${text}` : '';
}

async function once(operation) {
  // A read-only instance would let nobody make another world.
  const usesShared = operation.method === 'GET' || operation.id === 'auth.instance.update';
  const world = usesShared ? shared : await makeWorld(people);
  const caller = await callerFor(operation, world);
  const path = fill(operation, world) + queryOf(operation);
  let body = anchor(operation.body && valid(operation.body), world);
  if (special[operation.id]) body = special[operation.id](body);
  const raw = operation.upload ? multipart('made.txt', 'up') : undefined;
  const given = await call(first, operation.method, path, { token: caller.token, body, raw });
  assert.ok(given.status < 500, `${path} ${JSON.stringify(body)}: ${given.status} ${given.text}`);
  assert.notEqual(given.body?.type, formProblem, `${path} ${JSON.stringify(body)}: ${given.text}`);
}

// Settings of the whole instance last, so that they disturb nobody.
const inOrder = [...operations].sort((a, b) => (a.id === 'auth.instance.update') - (b.id === 'auth.instance.update'));

for (const operation of inOrder) {
  test(`as documented: ${operation.method} ${operation.path} (seed ${seed})`, async () => {
    for (let i = 0; i < ROUNDS; i++) await once(operation);
  });
}
