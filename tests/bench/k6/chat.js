// SPDX-License-Identifier: MIT
// A thousand users chat (OPS-40): each has an account, joins one of SERVERS servers, keeps a
// WebSocket, sends a message every SEND_EVERY seconds, reads what the others send and pages through
// the history now and then. Rate limits must be off, or one address is one very busy person.
import { check, sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';
import { WebSocket } from 'k6/websockets';
import { base, call, found, join, login, register } from './session.js';

const users = Number(__ENV.USERS || 1000);
const seconds = Number(__ENV.DURATION || 60);
const servers = Number(__ENV.SERVERS || 50);
const sendEvery = Number(__ENV.SEND_EVERY || 10);
const arrive = Number(__ENV.ARRIVE || 120); // seconds over which they come

const ready = new Trend('ready_ms', true);
const acknowledged = new Trend('message_acknowledged_ms', true);
const received = new Trend('message_received_ms', true);
const refused = new Counter('messages_refused');
const closed = new Counter('sockets_closed_early');
const sentAway = new Counter('sockets_told_to_try_later');
const TRY_LATER = 1013; // the gateway could not get the user's state in time

export const options = {
  scenarios: {
    chat: {
      executor: 'per-vu-iterations',
      vus: users,
      iterations: 1,
      maxDuration: `${arrive + seconds + 120}s`,
    },
  },
  setupTimeout: '600s',
  thresholds: {
    checks: ['rate>0.99'],
    messages_refused: ['count==0'],
    sockets_closed_early: ['count==0'],
    message_acknowledged_ms: ['p(99)<1000'],
    message_received_ms: ['p(99)<1000'],
  },
};

export function setup() {
  const run = Date.now().toString(36);
  const owner = register(`k${run}`);
  return { run, places: found(owner.access_token, servers) };
}

function send(socket, place, sent) {
  const id = `${sent.size + 1}`;
  sent.set(id, Date.now());
  socket.send(
    JSON.stringify({
      op: 'request',
      id,
      t: 'message.create',
      d: { channel_id: place.channel, content: `at=${Date.now()} said by user ${__VU}` },
    }),
  );
}

function onFrame(frame, sent) {
  if (frame.op === 'response') {
    if (frame.status === 201) acknowledged.add(Date.now() - sent.get(frame.id));
    else refused.add(1);
  } else if (frame.op === 'event' && frame.t === 'message.create') {
    received.add(Date.now() - Number(/^at=(\d+)/.exec(frame.d.content)[1]));
  }
}

function readHistory(token, place) {
  const path = `/channels/${place.channel}/messages`;
  const page = call('GET', path, token, undefined, 'GET /channels/{id}/messages');
  check(page, { 'history is read': (r) => r.status === 200 });
}

/** What a client does once it is ready; returns what stops it. */
function begin(socket, token, place, sent) {
  const timers = [
    setInterval(() => send(socket, place, sent), sendEvery * 1000),
    setInterval(() => socket.send('{"op":"heartbeat"}'), 30000),
    setInterval(() => readHistory(token, place), 5 * sendEvery * 1000),
  ];
  return () => timers.forEach(clearInterval);
}

/** Talks until the time is over; k6 waits for what is still on the loop. */
function talk(token, place, until) {
  const began = Date.now();
  const sent = new Map();
  const socket = new WebSocket(`${base.replace('http', 'ws')}/ws?token=${token}`);
  let stop = () => {};
  let over = false;
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.op !== 'ready') return onFrame(frame, sent);
    ready.add(Date.now() - began);
    stop = begin(socket, token, place, sent);
    setTimeout(() => {
      over = true;
      stop();
      socket.close();
    }, until - Date.now());
    return undefined;
  };
  socket.onclose = ({ code }) => {
    stop();
    if (over) return;
    if (code !== TRY_LATER) closed.add(1);
    else if (Date.now() < until) {
      sentAway.add(1);
      setTimeout(() => talk(token, place, until), 1000);
    }
  };
}

export default function chat({ run, places }) {
  const name = `k${run}-${__VU}`;
  const place = places[__VU % places.length];
  sleep((arrive * __VU) / users);
  register(name);
  const { access_token: token } = login(name);
  join(token, place.invite);
  talk(token, place, Date.now() + seconds * 1000);
}
