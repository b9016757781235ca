// SPDX-License-Identifier: MIT
// Somebody with an account who calls the API. Every answer is held against the contract.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { check, prefix } from './contract.mjs';
import { admin, first } from './stack.mjs';

export const random = (length = 10) => randomBytes(length).toString('hex').slice(0, length);

/**
 * One request. `body` is sent as JSON, `raw` as it is. Answers {status, headers, type, text, body}.
 */
export async function call(base, method, path, { token, body, raw, headers = {}, isChecked = true, ms = 20000 } = {}) {
  const sent = { ...headers };
  if (token) sent.authorization = `Bearer ${token}`;
  if (body !== undefined) sent['content-type'] ??= 'application/json';
  const response = await fetch(base + prefix + path, {
    method,
    headers: sent,
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
    signal: AbortSignal.timeout(ms),
  });
  const text = await response.text();
  const type = response.headers.get('content-type');
  const given = { status: response.status, headers: response.headers, type, text };
  given.body = /json/.test(type ?? '') ? JSON.parse(text) : undefined;
  if (isChecked) check(method, path, given);
  return given;
}

export class Person {
  constructor(base, signedIn, password) {
    this.base = base;
    this.user = signedIn.user;
    this.id = signedIn.user.id;
    this.password = password;
    this.accept(signedIn);
  }

  accept(signedIn) {
    this.token = signedIn.access_token;
    this.refreshToken = signedIn.refresh_token;
    this.sessionId = signedIn.session_id;
  }

  /** The same person, the same session, talking to another gateway. */
  at(base) {
    return Object.assign(Object.create(Person.prototype), this, { base });
  }

  call(method, path, body, options = {}) {
    return call(this.base, method, path, { token: this.token, body, ...options });
  }

  /** What a call that must succeed answers. */
  async ask(method, path, body, options) {
    const given = await this.call(method, path, body, options);
    assert.ok(given.status < 400, `${method} ${path}: ${given.status} ${given.text}`);
    return given.body;
  }

  get(path) {
    return this.ask('GET', path);
  }
  post(path, body, options) {
    return this.ask('POST', path, body, options);
  }
  put(path, body) {
    return this.ask('PUT', path, body);
  }
  patch(path, body) {
    return this.ask('PATCH', path, body);
  }
  delete(path) {
    return this.ask('DELETE', path);
  }

  /** The problem a call is refused with. `expected`: a status or several. */
  async refused(expected, method, path, body, options) {
    const given = await this.call(method, path, body, options);
    const statuses = [expected].flat();
    assert.ok(statuses.includes(given.status), `${method} ${path}: ${given.status}, not ${statuses}: ${given.text}`);
    return given.body;
  }

  send(channel, content, more = {}) {
    return this.post(`/channels/${channel.id}/messages`, { content, ...more });
  }
}

/** The tokens of somebody who signs up. */
export async function register(base, fields = {}, headers = {}) {
  const username = `u${random(14)}`;
  const body = { username, email: `${username}@example.org`, password: 'correct horse battery', ...fields };
  const given = await call(base, 'POST', '/auth/register', { body, headers });
  assert.equal(given.status, 201, given.text);
  return new Person(base, given.body, body.password);
}

export const newcomer = (base = first) => register(base);

/** Another session of the same account. */
export async function signIn(base, login, password, headers = {}) {
  const given = await call(base, 'POST', '/auth/login', { body: { login, password }, headers });
  assert.equal(given.status, 200, given.text);
  return new Person(base, given.body, password);
}

export const signInAgain = (person, base = person.base) => signIn(base, person.user.username, person.password);

export const administrator = (base = first, who = admin) => signIn(base, who.username, who.password);
