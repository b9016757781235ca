// SPDX-License-Identifier: MIT
// Nobody gets at anything by asking: every row of the API, without credentials, with false ones,
// and as somebody who has nothing to do with what the path names.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { operations } from './lib/contract.mjs';
import { seed, valid } from './lib/generate.mjs';
import { call } from './lib/person.mjs';
import { first, second } from './lib/stack.mjs';
import { fill, makePeople, makeWorld } from './lib/world.mjs';

// Rows of the guard `user` that give a stranger nothing of anybody else's.
const everybodys = new Set([
  'auth.account.get', 'auth.user.me', 'auth.user.update', 'auth.profile.get', 'auth.session.list',
  'auth.session.end', 'auth.session.revoke_others', 'auth.ticket.create', 'media.upload.open',
  'messaging.server.create', 'messaging.server.list', 'messaging.invite.accept', 'messaging.read.list',
  'voice.participant.leave', 'voice.ice.get',
]);

const refused = [401, 403, 404];
let world;

before(async () => {
  world = await makeWorld(await makePeople());
});

function knock(operation, token, base = first) {
  const body = operation.body ? valid(operation.body) : undefined;
  return call(base, operation.method, fill(operation, world), { token, body });
}

test('the only open doors are those the document marks so', () => {
  const open = operations.filter((it) => it.guard === 'public').map((it) => it.id);
  assert.deepEqual(open.sort(), [
    'auth.account.create', 'auth.instance.get', 'auth.jwks.get', 'auth.session.create', 'auth.session.refresh',
    'media.file.open', 'messaging.invite.get',
  ]);
});

test('without credentials, and with false ones, every other row answers 401', async () => {
  const forged = `${world.owner.token.split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`;
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  const unsigned = `${none}.${world.owner.token.split('.')[1]}.`;
  for (const operation of operations.filter((it) => it.guard !== 'public')) {
    for (const token of [undefined, forged, unsigned, 'nonsense', 'pk_nonsense', world.owner.refreshToken]) {
      const { status } = await knock(operation, token, second);
      assert.equal(status, 401, `${operation.method} ${operation.path} with ${token}`);
    }
  }
});

test('a signed link is the only way to a file without log-in', async () => {
  const download = operations.find((it) => it.id === 'media.file.open');
  const path = fill(download, world);
  for (const query of ['', '?exp=9999999999&sig=AAAA', '?sig=', '?exp=1&sig=x']) {
    const { status } = await call(first, 'GET', path + query);
    assert.ok([400, 403, 404].includes(status), `${path}${query}: ${status}`);
  }
});

for (const operation of operations.filter((it) => it.guard !== 'public' && !everybodys.has(it.id))) {
  test(`a stranger is refused: ${operation.method} ${operation.path} (seed ${seed})`, async () => {
    const { status, text } = await knock(operation, world.stranger.token);
    assert.ok(refused.includes(status), `${status} ${text}`);
  });
}

test('after all that knocking, everything is as it was', async () => {
  const { owner, server, channel, message, member } = world;
  assert.equal((await owner.get(`/servers/${server.id}`)).name, server.name);
  assert.equal((await owner.get(`/channels/${channel.id}/messages/${message.id}`)).content, message.content);
  assert.equal((await owner.get(`/servers/${server.id}/members/${member.id}`)).user.id, member.id);
});
