// SPDX-License-Identifier: MIT
// What every virtual user does first: an account of its own, signed in, and a place to talk in.
import http from 'k6/http';
import { check, fail, sleep } from 'k6';

export const base = __ENV.PARLEY_URL || 'http://127.0.0.1:8080';
const api = `${base}/api/v1`;
const password = 'correct horse battery';
const TRIES = 10;

export function call(method, path, token, body, name) {
  return http.request(method, api + path, body === undefined ? null : JSON.stringify(body), {
    headers: {
      'Content-Type': 'application/json',
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    },
    tags: { name: name || `${method} ${path}` },
  });
}

function expect(response, status) {
  if (!check(response, { [`answered ${status}`]: (r) => r.status === status })) {
    fail(`${response.request.method} ${response.url}: ${response.status} ${response.body}`);
  }
  return response.body ? response.json() : null;
}

/** As a patient client: too busy is no refusal. */
function insist(ask, statuses) {
  for (let tries = 1; ; tries++) {
    const response = ask();
    if (statuses.includes(response.status)) return response.json();
    if (tries === TRIES || ![503, 504].includes(response.status)) expect(response, statuses[0]);
    sleep(Number(response.headers['Retry-After'] || 1) * (1 + Math.random()));
  }
}

export function register(name) {
  const account = { username: name, email: `${name}@load.localhost`, password };
  // Taken: an earlier try of ours was too slow for its answer.
  return insist(() => call('POST', '/auth/register', null, account), [201, 409]);
}

export function login(name) {
  return insist(() => call('POST', '/auth/login', null, { login: name, password }), [200]);
}

/** Servers of an owner, each with an open invite: users share them. */
export function found(token, count) {
  return Array.from({ length: count }, (_, i) => {
    const server = expect(call('POST', '/servers', token, { name: `load ${i}` }), 201);
    const path = `/servers/${server.id}`;
    const channels = expect(call('GET', `${path}/channels`, token, undefined, 'channels'), 200);
    const invite = expect(call('POST', `${path}/invites`, token, {}, 'invite'), 201);
    return { invite: invite.code, channel: channels.find((c) => c.type === 'text').id };
  });
}

export function join(token, code) {
  expect(call('POST', `/invites/${code}`, token, undefined, 'POST /invites/{code}'), 200);
}
