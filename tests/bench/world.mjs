// SPDX-License-Identifier: MIT
// The users a load needs, made over REST: node world.mjs USERS own|shared prints one line a user,
// "token user server channel". `own` gives each user a server of their own, `shared` puts all of
// them into one.
const base = `${process.env.PARLEY_URL}/api/v1`;

async function call(method, path, token, body) {
  const answer = await fetch(base + path, {
    method,
    headers: {
      'Content-Type': 'application/json',
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

async function register(run, i) {
  const username = `b${run}-${i}`;
  return call('POST', '/auth/register', null, {
    username,
    email: `${username}@bench.localhost`,
    password: 'correct horse battery',
  });
}

async function found(token, name) {
  const server = await call('POST', '/servers', token, { name });
  const channels = await call('GET', `/servers/${server.id}/channels`, token);
  return { server, channel: channels.find((c) => c.type === 'text') };
}

async function main(count, kind) {
  const run = Date.now().toString(36);
  let shared = null;
  let invite = null;
  for (let i = 0; i < count; i++) {
    const { access_token: token, user } = await register(run, i);
    let place = shared;
    if (place === null) {
      place = await found(token, `bench ${run} ${i}`);
      if (kind === 'shared') {
        shared = place;
        invite = await call('POST', `/servers/${place.server.id}/invites`, token, {});
      }
    } else {
      await call('POST', `/invites/${invite.code}`, token);
    }
    console.log(token, user.id, place.server.id, place.channel.id);
  }
}

await main(Number(process.argv[2]), process.argv[3]);
