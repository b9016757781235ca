// SPDX-License-Identifier: MIT
// The gateway dies and comes back: the page reconnects by itself and shows what was said meanwhile.
// The suite runs with several gateways; ada and bob are at the first, carl writes at the last.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BASE, Person, eventually, everybodyLeaves, launch, twoInAServer } from './people.mjs';

const run = promisify(execFile);
const OTHER = (process.env.PARLEY_URLS ?? BASE).split(',').at(-1);
const RECONNECT_MS = 40_000;

function stack(...words) {
  return run(process.env.STACK, words);
}

/** How long the page says it waits, each time it does. */
async function watchWaits(person) {
  await person.page.evaluate(() => {
    window.waits = [];
    new MutationObserver(() => {
      const seconds = /again in (\d+) s/.exec(document.querySelector('#connection-text').textContent);
      if (seconds) window.waits.push(Number(seconds[1]));
    }).observe(document.querySelector('#connection-text'), { childList: true });
  });
  return () => person.page.evaluate(() => window.waits);
}

let browser;
before(async () => {
  browser = await launch();
});
afterEach(() => everybodyLeaves(browser));
after(() => browser.close());

test('a killed gateway comes back and nothing is missed or doubled', async (t) => {
  const { ada, bob, server } = await twoInAServer(browser);
  const carl = await Person.join(browser, 'carl', { path: await ada.createInvite(), base: OTHER });
  await carl.acceptInvite(server);
  await ada.say('before');
  await Promise.all([bob.sees('before'), carl.sees('before')]);

  const waits = await watchWaits(ada);
  t.after(() => stack('start', 'gateway-1'));
  await stack('kill', 'gateway-1');
  await eventually(async () => (await waits()).length >= 3, 'three attempts fail');
  assert.deepEqual((await waits()).slice(0, 3), [1, 2, 4]);
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
  const ops = [];
  ada.page.on('websocket', (ws) =>
    ws.on('framereceived', ({ payload }) => ops.push(JSON.parse(payload).op)));
  await ada.page.evaluate(() => window.sockets.at(-1).close());
  await ada.page.locator('#connection[data-state=waiting]').waitFor();
  await bob.say('while she is away');
  await ada.sees('while she is away');
  await ada.connected();
  await bob.say('and after');
  await ada.sees('and after');
  assert.deepEqual(await ada.texts(), ['while she is away', 'and after']);
  assert.ok(ops.includes('resumed') && !ops.includes('ready'), `resumed, not begun anew: ${ops}`);
  ada.calm();
});

test('one may ask for the next attempt at once', async () => {
  const { ada } = await twoInAServer(browser);
  await ada.page.evaluate(() => window.sockets.at(-1).close());
  await ada.page.getByRole('button', { name: 'Try now' }).click();
  await ada.connected();
});
