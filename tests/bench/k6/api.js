// SPDX-License-Identifier: MIT
// A thousand users of the REST interface (OPS-40): each signs up and in, founds or joins a server,
// then sends and reads. How long each kind of request takes is in the summary, by its name.
import { check, sleep } from 'k6';
import { call, found, join, login, register } from './session.js';

const users = Number(__ENV.USERS || 1000);
const seconds = Number(__ENV.DURATION || 60);
const servers = Number(__ENV.SERVERS || 50);
const arrive = Number(__ENV.ARRIVE || 120);

export const options = {
  scenarios: {
    api: {
      executor: 'per-vu-iterations',
      vus: users,
      iterations: 1,
      maxDuration: `${arrive + seconds + 120}s`,
    },
  },
  setupTimeout: '600s',
  summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
  thresholds: {
    checks: ['rate>0.99'],
    'http_req_duration{name:send}': ['p(99)<1000'],
    'http_req_duration{name:history}': ['p(99)<1000'],
    'http_req_duration{name:servers}': ['p(99)<1000'],
  },
};

export function setup() {
  const run = Date.now().toString(36);
  const owner = register(`r${run}`);
  return { run, places: found(owner.access_token, servers) };
}

function turn(token, place) {
  const path = `/channels/${place.channel}/messages`;
  const said = call('POST', path, token, { content: `said by user ${__VU}` }, 'send');
  check(said, { 'message is sent': (r) => r.status === 201 });
  sleep(1);
  const page = call('GET', path, token, undefined, 'history');
  check(page, { 'own message is there': (r) => r.status === 200 && r.json().length > 0 });
  sleep(1);
  const mine = call('GET', '/servers', token, undefined, 'servers');
  check(mine, { 'servers are listed': (r) => r.status === 200 && r.json().length === 1 });
  sleep(3);
}

export default function api({ run, places }) {
  const name = `r${run}-${__VU}`;
  const place = places[__VU % places.length];
  sleep((arrive * __VU) / users);
  register(name);
  const { access_token: token } = login(name);
  join(token, place.invite);
  for (const until = Date.now() + seconds * 1000; Date.now() < until; ) turn(token, place);
}
