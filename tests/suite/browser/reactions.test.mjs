// SPDX-License-Identifier: MIT
// Two people react to messages: both see how many, each sees which are their own, and so it stays
// whatever comes between: reloads, lost connections, answers that are older than events.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, afterEach, before, test } from 'node:test';
import { promisify } from 'node:util';
import { BASE, call, eventually, everybodyLeaves, launch, twoInAServer } from './people.mjs';

const run = promisify(execFile);
const OTHER = (process.env.PARLEY_URLS ?? BASE).split(',').at(-1);
const ADD_REACTIONS = 1n << 6n;

let browser;
before(async () => {
  browser = await launch();
});
afterEach(() => everybodyLeaves(browser));
after(() => browser.close());

function chip(person, text, emoji) {
  return person.message(text).getByRole('list', { name: 'Reactions' }).getByRole('button', { name: emoji });
}

/** What a person sees under a message, like "👍 2 mine, 🎉 1". */
async function reactions(person, text) {
  const chips = await person.message(text).locator('.reactions button').evaluateAll((all) =>
    all.map((one) => `${one.innerText}${one.ariaPressed === 'true' ? ' mine' : ''}`));
  return chips.join(', ');
}

function sees(person, text, wanted) {
  let seen;
  return eventually(async () => {
    seen = await reactions(person, text);
    return seen === wanted;
  }, () => `${person.name} sees ${wanted}, not ${seen}`);
}

/** Says it and lets both see it. */
async function say(ada, bob, text) {
  await ada.say(text);
  await Promise.all([ada.sees(text), bob.sees(text)]);
}

async function addressOf(person, text) {
  const message = await person.message(text).getAttribute('data-id');
  const channel = new URL(person.page.url()).hash.split('/')[1];
  return `/channels/${channel}/messages/${message}/reactions/`;
}

/** Without the page; everything else: token, base. */
function reacts(method, address, emoji, how) {
  return call(method, address + encodeURIComponent(emoji), how);
}

test('both see how many reacted, and each which reactions are their own', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'cake');
  await bob.act('cake', 'React with 👍');
  await Promise.all([sees(ada, 'cake', '👍 1'), sees(bob, 'cake', '👍 1 mine')]);
  await chip(ada, 'cake', '👍').click();
  await Promise.all([sees(ada, 'cake', '👍 2 mine'), sees(bob, 'cake', '👍 2 mine')]);
  await bob.act('cake', 'React with ❤️');
  await Promise.all([sees(ada, 'cake', '👍 2 mine, ❤️ 1'), sees(bob, 'cake', '👍 2 mine, ❤️ 1 mine')]);
  await chip(bob, 'cake', '👍').click();
  await Promise.all([sees(ada, 'cake', '👍 1 mine, ❤️ 1'), sees(bob, 'cake', '👍 1, ❤️ 1 mine')]);
  await Promise.all([ada.page.reload(), bob.page.reload()]);
  await Promise.all([sees(ada, 'cake', '👍 1 mine, ❤️ 1'), sees(bob, 'cake', '👍 1, ❤️ 1 mine')]);
  await chip(ada, 'cake', '👍').click();
  await Promise.all([sees(ada, 'cake', '❤️ 1'), sees(bob, 'cake', '❤️ 1 mine')]);
  ada.calm();
  bob.calm();
});

test('who reacted shows when one points at it, by the names used here', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'tea');
  await bob.act('tea', 'React with 🎉');
  await chip(ada, 'tea', '🎉').hover();
  await ada.page.getByTitle(bob.name, { exact: true }).waitFor();
  await chip(ada, 'tea', '🎉').click();
  await bob.page.getByLabel('Message', { exact: true }).focus();
  await sees(bob, 'tea', '🎉 2 mine');
  await chip(bob, 'tea', '🎉').focus();
  const both = new RegExp(`^🎉 2: (${ada.name} and ${bob.name}|${bob.name} and ${ada.name})$`);
  await bob.page.getByRole('button', { name: both }).waitFor();
  ada.calm();
  bob.calm();
});

test('ten are named, the rest are counted', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'popular');
  await bob.act('popular', 'React with 👍');
  await sees(ada, 'popular', '👍 1');
  const asked = [];
  await ada.page.route('**/messages?limit=*', async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    json[0].reactions[0].count = 12;
    await route.fulfill({ response, json });
  });
  await ada.page.route('**/reactions/**', async (route) => {
    asked.push(new URL(route.request().url()).search);
    const [user] = await (await route.fetch()).json();
    await route.fulfill({ json: Array.from({ length: 10 }, (_, i) => ({ ...user, id: `${i}`, username: `u${i}` })) });
  });
  await ada.page.reload();
  await sees(ada, 'popular', '👍 12');
  assert.deepEqual(asked, [], 'nobody has pointed at it');
  await chip(ada, 'popular', '👍').hover();
  await ada.page.getByTitle('u0, u1, u2, u3, u4, u5, u6, u7, u8, u9 and 2 more', { exact: true }).waitFor();
  await chip(ada, 'popular', '👍').focus();
  assert.deepEqual(asked, ['?limit=10'], 'asked once');
});

test('one reacts with the keyboard alone, and keeps the place there', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'by hand');
  const { page } = bob;
  const focused = () => page.evaluate(() => document.activeElement.dataset.focus);
  await page.getByLabel('Message', { exact: true }).focus();
  for (let i = 0; i < 12 && (await focused()) !== 'react-👍'; i += 1) await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await sees(bob, 'by hand', '😂 1 mine');
  assert.equal(await focused(), 'react-😂');
  await page.keyboard.press('Shift+Tab');
  assert.equal(await focused(), 'reaction-😂');
  await ada.act('by hand', 'React with 😂');
  await sees(bob, 'by hand', '😂 2 mine');
  assert.equal(await focused(), 'reaction-😂', 'what others do does not take the focus away');
  await page.keyboard.press('Enter');
  await sees(bob, 'by hand', '😂 1');
  await chip(ada, 'by hand', '😂').click();
  await sees(bob, 'by hand', '');
  assert.equal(await focused(), 'react-👍', 'the reaction is gone, the place is near it');
  bob.calm();
});

test('a reaction does not disturb who is editing the message', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'a draft');
  await ada.act('a draft', 'Edit');
  await ada.page.getByLabel('Edit message').fill('half of a new dr');
  await bob.act('a draft', 'React with 👀');
  await ada.page.locator('.reactions').getByText('👀').waitFor();
  await ada.page.keyboard.type('aft');
  await ada.page.keyboard.press('Enter');
  await bob.sees('half of a new draft');
  await Promise.all([ada, bob].map((one, i) => sees(one, 'half of a new draft', ['👀 1', '👀 1 mine'][i])));
});

test('who may not react is not offered to, but can take back their own', async () => {
  const { ada, bob, serverId } = await twoInAServer(browser);
  await say(ada, bob, 'quiet please');
  await bob.act('quiet please', 'React with 👍');
  await chip(ada, 'quiet please', '👍').click();
  await ada.act('quiet please', 'React with 🎉');
  await sees(bob, 'quiet please', '👍 2 mine, 🎉 1');

  const owner = { token: ada.token };
  const roles = await call('GET', `/servers/${serverId}/roles`, owner);
  const everyone = roles.find((role) => role.id === serverId);
  const permissions = String(BigInt(everyone.permissions) & ~ADD_REACTIONS);
  await call('PATCH', `/servers/${serverId}/roles/${serverId}`, { ...owner, body: { permissions } });
  await bob.page.getByRole('toolbar', { name: 'React' }).waitFor({ state: 'detached' });
  assert.equal(await chip(bob, 'quiet please', '🎉').getAttribute('aria-disabled'), 'true');
  await chip(bob, 'quiet please', '👍').click();
  await sees(bob, 'quiet please', '👍 1, 🎉 1');
  assert.equal(await chip(bob, 'quiet please', '👍').getAttribute('aria-disabled'), 'true');
  bob.calm();
});

test('what cannot be done is said', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'unlucky');
  await bob.page.route('**/reactions/**', (route) => route.abort());
  await bob.act('unlucky', 'React with 👍');
  await bob.page.locator('#problem').getByText('The server cannot be reached.').waitFor();
  assert.equal(await reactions(bob, 'unlucky'), '');
});

test('a reaction that comes before an older page is not lost', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'old news');
  const address = await addressOf(ada, 'old news');
  await reacts('PUT', address, '🎉', { token: bob.token });
  await sees(bob, 'old news', '🎉 1 mine');
  await bob.page.route('**/messages?limit=*', async (route) => {
    const response = await route.fetch();
    await bob.connected();
    await reacts('PUT', address, '👍', { token: ada.token });
    await reacts('PUT', address, '👀', { token: bob.token });
    await reacts('DELETE', address, '🎉', { token: bob.token });
    await sees(ada, 'old news', '👍 1 mine, 👀 1');
    await new Promise((done) => {
      setTimeout(done, 500); // for the events to be at bob's as well
    });
    await route.fulfill({ response });
  });
  await bob.page.reload();
  await sees(bob, 'old news', '👍 1, 👀 1 mine');
  bob.calm();
});

test('after a loss each knows again which reactions are their own', { skip: OTHER === BASE }, async (t) => {
  const { ada, bob } = await twoInAServer(browser);
  await say(ada, bob, 'lasting');
  await bob.act('lasting', 'React with 👍');
  await ada.act('lasting', 'React with 🎉');
  await Promise.all([sees(ada, 'lasting', '👍 1, 🎉 1 mine'), sees(bob, 'lasting', '👍 1 mine, 🎉 1')]);
  const address = await addressOf(ada, 'lasting');

  t.after(() => run(process.env.STACK, ['start', 'gateway-1']));
  await run(process.env.STACK, ['kill', 'gateway-1']);
  await bob.page.locator('#connection[data-state=waiting]').waitFor();
  const how = { token: bob.token, base: OTHER };
  await reacts('DELETE', address, '👍', how);
  await reacts('PUT', address, '🎉', how);
  await reacts('PUT', address, '😂', { token: ada.token, base: OTHER });
  await run(process.env.STACK, ['start', 'gateway-1']);

  await Promise.all([ada.connected(40_000), bob.connected(40_000)]);
  await Promise.all([sees(ada, 'lasting', '🎉 2 mine, 😂 1 mine'), sees(bob, 'lasting', '🎉 2 mine, 😂 1')]);
  ada.calm();
  bob.calm();
});
