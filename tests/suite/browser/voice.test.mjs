// SPDX-License-Identifier: MIT
// Two people talk: sound really arrives at both, by fake microphones.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { eventually, everybodyLeaves, launch, twoInAServer } from './people.mjs';

let browser;
before(async () => {
  browser = await launch();
});
afterEach(() => everybodyLeaves(browser));
after(() => browser.close());

/** Bytes of sound that arrived over connections that are open. */
function heard(person) {
  return person.page.evaluate(async () => {
    let bytes = 0;
    for (const connection of window.connections) {
      if (connection.connectionState !== 'connected') continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === 'inbound-rtp') bytes += entry.bytesReceived;
      }
    }
    return bytes;
  });
}

async function hears(person) {
  const before = await heard(person);
  const states = () => person.page.evaluate(() =>
    window.connections.map((c) => `${c.signalingState} ${c.iceConnectionState} ${c.connectionState}`));
  await eventually(async () => (await heard(person)) > before + 1000,
    async () => `${person.name} hears; connections: ${await states()}`);
}

async function bothJoin(ada, bob) {
  await ada.channel('General').last().click();
  await ada.page.getByText('Talking in General').waitFor();
  await bob.page.getByRole('list', { name: 'Talking in General' }).getByText(ada.name).waitFor();
  await bob.channel('General').last().click();
  await ada.page.getByText(`Talking in General with ${bob.name}`).waitFor();
  await bob.page.getByText(`Talking in General with ${ada.name}`).waitFor();
}

test('both join, both hear, mute shows, leaving ends it', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await bothJoin(ada, bob);
  await Promise.all([hears(ada), hears(bob)]);

  await ada.page.getByRole('button', { name: 'Mute' }).click();
  await bob.page.locator('.participants').getByText(`${ada.name} (muted)`).waitFor();
  await ada.page.getByRole('button', { name: 'Mute' }).click();
  await bob.page.locator('.participants').getByText('(muted)').waitFor({ state: 'detached' });
  await bob.page.getByRole('button', { name: 'Deafen' }).click();
  await ada.page.locator('.participants').getByText(`${bob.name} (deafened)`).waitFor();

  await ada.page.getByRole('button', { name: 'Leave' }).click();
  await bob.page.getByText('Talking in General, alone so far').waitFor();
  await eventually(() => ada.page.evaluate(() =>
    window.connections.every((connection) => connection.connectionState === 'closed')), 'all is closed');
  ada.calm();
  bob.calm();
});

test('where no direct way leads, the relay does', async () => {
  const { ada, bob } = await twoInAServer(browser);
  for (const person of [ada, bob]) {
    await person.page.evaluate(() => localStorage.setItem('policy', 'relay'));
  }
  await bothJoin(ada, bob);
  await Promise.all([hears(ada), hears(bob)]);
});

test('a lost socket does not end the talk, nor need the seat be taken again', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await bothJoin(ada, bob);
  await hears(bob);
  const joins = [];
  ada.page.on('request', (it) => it.method() === 'POST' && it.url().endsWith('/voice') && joins.push(it.url()));
  const connections = (person) => person.page.evaluate(() => window.connections.length);
  const before = [await connections(ada), await connections(bob)];
  await ada.page.evaluate(() => window.sockets.at(-1).close());
  await ada.page.locator('#connection[data-state=waiting]').waitFor();
  await ada.connected();
  await Promise.all([hears(ada), hears(bob)]);
  assert.deepEqual(joins, []);
  assert.deepEqual([await connections(ada), await connections(bob)], before, 'no connection was made anew');
  ada.calm();
  bob.calm();
});

test('who comes back is heard again', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await bothJoin(ada, bob);
  await hears(bob);
  await ada.page.getByRole('button', { name: 'Leave' }).click();
  await bob.page.getByText('alone so far').waitFor();
  await ada.channel('General').last().click();
  await Promise.all([hears(ada), hears(bob)]);
  assert.equal(await bob.page.locator('.participants li').count(), 2);
});

test('who closes the page is gone from the room', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await bothJoin(ada, bob);
  await ada.page.close({ runBeforeUnload: true });
  await bob.page.getByText('alone so far').waitFor();
});
