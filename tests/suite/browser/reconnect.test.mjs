// SPDX-License-Identifier: MIT
// The gateway dies and comes back: the page reconnects by itself and shows what was said meanwhile.
// The suite runs with several gateways; ada and bob are at the first, carl writes at the last.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BASE, Person, eventually, launch, twoInAServer } from './people.mjs';

const run = promisify(execFile);
const OTHER = (process.env.PARLEY_URLS ?? BASE).split(',').at(-1);
const RECONNECT_MS = 40_000;

function stack(...words) {
  return run(process.env.STACK, words);
}

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('a killed gateway comes back and nothing is missed or doubled', async () => {
  const { ada, bob, server } = await twoInAServer(browser);
  const carl = await Person.join(browser, 'carl', await ada.createInvite(), OTHER);
  await carl.acceptInvite(server);
  await ada.say('before');
  await Promise.all([bob.sees('before'), carl.sees('before')]);

  await stack('kill', 'gateway-1');
  await ada.page.locator('#connection[data-state=waiting]').waitFor();
  if (OTHER !== BASE) {
    await carl.say('meanwhile');
    await carl.sees('meanwhile');
  }
  await ada.say('from the dark');
  await ada.page.locator('.message.pending .problem').waitFor();
  await stack('start', 'gateway-1');

  await Promise.all([ada.connected(RECONNECT_MS), bob.connected(RECONNECT_MS)]);
  await Promise.all([ada, bob].map((one) => one.sees('from the dark')));
  await bob.say('after');
  const all = ['before', ...(OTHER === BASE ? [] : ['meanwhile']), 'from the dark', 'after'];
  for (const person of [ada, bob, carl]) {
    await person.sees('after', RECONNECT_MS);
    assert.deepEqual(await person.texts(), all);
    person.calm();
  }
});

test('a lost socket is resumed without a new state', async () => {
  const { ada, bob } = await twoInAServer(browser);
  const frames = [];
  ada.page.on('websocket', (ws) => ws.on('framereceived', ({ payload }) => frames.push(payload)));
  await ada.page.context().setOffline(true);
  await ada.page.evaluate(() => window.dispatchEvent(new Event('offline')));
  await bob.say('while she is away');
  await ada.page.context().setOffline(false);
  await ada.sees('while she is away', RECONNECT_MS);
  await eventually(async () => (await ada.texts()).length === 1, 'it is there once');
  assert.ok(!frames.some((frame) => frame.includes('"op":"ready"')), 'no new state was needed');
});
