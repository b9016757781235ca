// SPDX-License-Identifier: MIT
// The rate limit of every row, by a stack where three requests are too many.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkProblem, operations } from './lib/contract.mjs';
import { multipart } from './lib/files.mjs';
import { call, random, register, signIn } from './lib/person.mjs';
import { listen } from './lib/socket.mjs';
import { withOwnStack } from './lib/stack.mjs';

// Two of each; a proxy on loopback, so that requests can come from many addresses; cheap passwords.
const settings = {
  LIMIT_GENERAL: '2/60', LIMIT_MESSAGING: '2/60', LIMIT_AUTH: '2/60', LIMIT_UPLOAD: '2/60', LIMIT_DOWNLOAD: '2/60',
  LIMIT_SIGNAL: '2/60', LIMIT_BOT: '2/60', TRUSTED_PROXIES: '127.0.0.1', PASSWORD_PASSES: 1, PASSWORD_MEMORY_KIB: 8,
};

let addresses = 0;
/** Headers of a request from an address nobody used before. */
function fromElsewhere() {
  addresses++;
  return { 'x-forwarded-for': `10.20.${addresses >> 8}.${addresses & 255}` };
}

// Whoever asks, the row's own path: nothing need be there for a limit to count.
const somewhere = (path) => path.replace(/\{[^}]+\}/g, '1');

function assertTold(headers, what) {
  const number = (name) => {
    const text = headers.get(name);
    assert.match(text ?? '', /^\d+(\.\d+)?$/, `${what}: ${name}`);
    return Number(text);
  };
  const [limit, remaining, after] = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset-after'].map(number);
  assert.ok(limit >= 1 && remaining <= limit && after <= 60, what);
  assert.ok(number('x-ratelimit-reset') > Date.now() / 1000 - 5, what);
}

function bodyOf({ guard, body }) {
  if (!body) return undefined;
  return guard === 'public' ? { login: 'nobody', username: 'nobody', refresh_token: 'none' } : {};
}

/** How many requests it takes to be refused. */
async function exhaust(base, operation, token) {
  const path = somewhere(operation.path);
  const what = `${operation.method} ${path}`;
  const headers = fromElsewhere();
  for (let count = 1; count <= 4; count++) {
    const raw = operation.upload ? multipart('a.txt', 'a') : undefined;
    const given = await call(base, operation.method, path, { token, body: bodyOf(operation), raw, headers, isChecked: false });
    assertTold(given.headers, what);
    if (given.status !== 429) continue;
    checkProblem(what, given);
    assert.equal(given.body.type, '/problems/rate_limited', what);
    const wait = Number(given.headers.get('retry-after'));
    assert.ok(wait <= 60 && Math.ceil(given.body.retry_after) <= wait, what);
    return count;
  }
  return undefined;
}

/** Refused without being counted: by nobody, by a token that is none, with a body that is none. */
async function refuse(base, operation, token) {
  const path = somewhere(operation.path);
  const tries = operation.guard === 'public' ? [] : [{ status: 401 }, { status: 401, token: 'nonsense' }];
  if (operation.body) tries.push({ status: 415, token, raw: new Blob(['no JSON'], { type: 'text/plain' }) });
  if (operation.body) tries.push({ status: 413, token, raw: new Blob([' '.repeat(70000)], { type: 'application/json' }) });
  for (const it of tries) {
    const given = await call(base, operation.method, path, { ...it, headers: fromElsewhere(), isChecked: false });
    const what = `${operation.method} ${path}: ${given.status}`;
    assert.equal(given.status, it.status, what);
    assertTold(given.headers, what);
    assert.equal(given.headers.get('x-ratelimit-remaining'), '2', what);
  }
}

/** Results of `make` for each, a few at a time. */
async function pool(list, make) {
  const results = [];
  for (let i = 0; i < list.length; i += 6) results.push(...(await Promise.all(list.slice(i, i + 6).map(make))));
  return results;
}

test('every row is refused with 429 once its limit is used up, and says when to come back', async (t) => {
  await withOwnStack(settings, async (env) => {
    const base = env.PARLEY_URL;
    const boss = await signIn(base, env.ADMIN_USERNAME, env.ADMIN_PASSWORD, fromElsewhere());
    const someone = () => register(base, {}, fromElsewhere());

    // A window is of a class and a user, so each row is tried by somebody of its own.
    // (Who logs out has no second try: see below.)
    const rows = operations.filter((it) => /^(user|server|channel)$/.test(it.guard) && it.id !== 'auth.session.end');
    await pool(rows, async (operation) => {
      const { token } = await someone();
      await refuse(base, operation, token);
      assert.equal(await exhaust(base, operation, token), 3, operation.id);
    });
    for (const operation of operations.filter((it) => it.guard === 'admin')) {
      assert.ok(await exhaust(base, operation, boss.token), operation.id);
    }
    for (const operation of operations.filter((it) => it.guard === 'public')) {
      assert.equal(await exhaust(base, operation), 3, operation.id);
    }

    await t.test('logging out counts too', async () => {
      const person = await someone();
      const statuses = [];
      for (const row of ['GET /auth/me', 'GET /auth/me', 'POST /auth/logout']) {
        statuses.push((await person.call(...row.split(' '))).status);
      }
      assert.deepEqual(statuses, [200, 200, 429]);
    });

    await t.test('a command counts in the same window as its row', async () => {
      const person = await someone();
      const socket = await listen(person);
      const statuses = [];
      for (let i = 0; i < 3; i++) statuses.push((await socket.request('account.get')).status);
      statuses.push((await person.call('GET', '/auth/me')).status);
      assert.deepEqual(statuses, [200, 200, 429, 429]);
    });

    await t.test('guessing a password is slowed by account and by address', async () => {
      const guess = (login, headers) => call(base, 'POST', '/auth/login', { body: { login, password: 'wrong guess' }, headers });
      const here = fromElsewhere();
      for (const expected of [401, 401, 429]) assert.equal((await guess('one-name', here)).status, expected);
      const there = fromElsewhere();
      for (const expected of [401, 401, 429]) assert.equal((await guess(`name-${random()}`, there)).status, expected);
    });
  });
});
