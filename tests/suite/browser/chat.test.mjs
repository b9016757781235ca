// SPDX-License-Identifier: MIT
// Two people and the page: from registering to a picture in the conversation.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { Person, eventually, everybodyLeaves, launch, twoInAServer, unique } from './people.mjs';

let browser;
before(async () => {
  browser = await launch();
});
afterEach(() => everybodyLeaves(browser));
after(() => browser.close());

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A real picture of one colour. */
function png(width, height) {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8); // 8 bits, RGB
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x5b)]);
  const pixels = deflateSync(Buffer.concat(Array(height).fill(row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [chunk('IHDR', head), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...chunks]);
}

test('a link leads a stranger into a server, where two talk live and in order', async () => {
  const server = unique('Library');
  const ada = await Person.join(browser, 'ada');
  await ada.createServer(server);
  const bob = await Person.arrive(browser, unique('bob'), { path: await ada.createInvite() });
  await bob.page.getByText(`${ada.name} invites you to ${server}`).waitFor();
  await bob.register();
  await bob.acceptInvite(server);
  const said = [];
  for (let i = 0; i < 10; i += 1) {
    const text = `line ${i} of ${i % 2 === 0 ? 'ada' : 'bob'}`;
    const speaker = i % 2 === 0 ? ada : bob;
    await speaker.say(text);
    await (speaker === ada ? bob : ada).sees(text);
    said.push(text);
  }
  await bob.sees(said.at(-1));
  assert.deepEqual(await ada.texts(), said);
  assert.deepEqual(await bob.texts(), said);
  ada.calm();
  bob.calm();
});

test('many messages written at once keep their order', async () => {
  const { ada, bob } = await twoInAServer(browser);
  const said = Array.from({ length: 8 }, (_, i) => `quick ${i}`);
  for (const text of said) await ada.say(text);
  await bob.sees(said.at(-1));
  await ada.sees(said.at(-1));
  assert.deepEqual(await bob.texts(), said);
  assert.deepEqual(await ada.texts(), said);
});

test('an edit, a reply and a deletion show to the other', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await ada.say('the frist draft');
  await bob.sees('the frist draft');

  await ada.sees('the frist draft');
  await ada.page.keyboard.press('ArrowUp');
  await ada.page.getByLabel('Edit message').fill('the first draft');
  await ada.page.keyboard.press('Enter');
  await bob.sees('the first draft');
  await bob.page.getByText('(edited)').waitFor();

  await bob.act('the first draft', 'Reply');
  await bob.page.getByText(`Replying to ${ada.name}`).waitFor();
  await bob.say('well done');
  await ada.page.locator('.reference').getByText(`${ada.name}: the first draft`).waitFor();

  await bob.act('well done', 'Delete');
  await bob.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await ada.notSees('well done');
  await bob.notSees('well done');
  assert.equal(await bob.message('the first draft').getByRole('button', { name: 'Edit' }).count(), 0,
    'nobody is offered to edit what others wrote');
  ada.calm();
  bob.calm();
});

test('text is never markup, links are links, mentions are names', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await ada.say(`<img src=x onerror=alert(1)> https://example.org/a?b=1 @${bob.name}`);
  await bob.sees('<img src=x onerror=alert(1)>');
  assert.equal(await bob.page.locator('#messages img').count(), 0);
  assert.equal(await bob.page.locator('#messages a').getAttribute('href'), 'https://example.org/a?b=1');
  await bob.page.locator('.for-me .mention.mine').getByText(`@${bob.name}`).waitFor();
  bob.calm();
});

test('the typing line appears and goes', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await ada.page.getByLabel('Message', { exact: true }).pressSequentially('hm');
  await bob.page.getByText(`${ada.name} is typing…`).waitFor();
  await bob.page.getByText(`${ada.name} is typing…`).waitFor({ state: 'detached', timeout: 12_000 });

  await bob.page.getByLabel('Message', { exact: true }).pressSequentially('so');
  await ada.page.getByText(`${bob.name} is typing…`).waitFor();
  await bob.page.keyboard.press('Enter');
  await ada.sees('so');
  assert.equal(await ada.page.locator('#typing').innerText(), '');

  await ada.page.getByLabel('Message', { exact: true }).fill('');
  await ada.page.getByLabel('Message', { exact: true }).pressSequentially('no');
  await bob.page.getByText(`${ada.name} is typing…`).waitFor();
  await ada.page.getByLabel('Message', { exact: true }).fill('');
  await bob.page.getByText(`${ada.name} is typing…`).waitFor({ state: 'detached', timeout: 4_000 });
});

test('a picture is sent and shown', async () => {
  const { ada, bob } = await twoInAServer(browser);
  const file = { name: 'a sea.png', mimeType: 'image/png', buffer: png(320, 200) };
  await ada.page.locator('#composer-file').setInputFiles(file);
  await ada.page.locator('#composer-files').getByText('ready').waitFor();
  await ada.say('look');
  const picture = bob.message('look').locator('img');
  await picture.waitFor();
  await eventually(() => picture.evaluate((img) => img.naturalWidth === 320), 'the picture is displayed');
  assert.equal(await picture.getAttribute('alt'), 'a sea.png');
  ada.calm();
  bob.calm();
});

test('unread messages are counted until they are seen', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await ada.createChannel('side');
  await bob.channel('side').waitFor();
  await ada.say('one');
  await ada.say('two');
  await bob.channel(/side.*2 unread/).waitFor();
  await bob.channel('side').click();
  await bob.sees('two');
  await eventually(async () => !(await bob.channel('side').innerText()).includes('unread'), 'it is read');
  await bob.page.reload();
  await bob.connected();
  assert.ok(!(await bob.channel('side').innerText()).includes('unread'), 'the server knows it is read');
});

test('older messages come as one scrolls up, and the place is kept', async () => {
  const { ada } = await twoInAServer(browser);
  for (let i = 0; i < 60; i += 1) await ada.say(`note ${i}.`);
  await ada.sees('note 59.');
  await ada.page.reload();
  await ada.sees('note 59.');
  assert.equal(await ada.message('note 0.').count(), 0, 'only the latest page is there');
  await ada.page.locator('#scroller').evaluate((s) => {
    s.scrollTop = 0;
  });
  await ada.page.getByText('This is the beginning of').waitFor();
  const texts = await ada.texts();
  assert.deepEqual(texts, Array.from({ length: 60 }, (_, i) => `note ${i}.`));
  const top = await ada.page.locator('#scroller').evaluate((s) => s.scrollTop);
  assert.ok(top > 0, 'what one was reading is still in sight');
});

test('a reload keeps one signed in and where one was', async () => {
  const { ada, server } = await twoInAServer(browser);
  await ada.createChannel('den');
  await ada.say('still here');
  await ada.sees('still here');
  await ada.page.reload();
  await ada.isIn(server);
  await ada.sees('still here');
  assert.equal(await ada.page.locator('#place').innerText(), '# den');
  ada.calm();
});

test('one logs out, sees nothing any more, and logs in again', async () => {
  const { ada, server } = await twoInAServer(browser);
  await ada.page.getByRole('button', { name: 'Log out' }).click();
  await ada.page.locator('#welcome').waitFor();
  assert.equal(await ada.page.locator('#server-list li').count(), 0);
  await ada.page.reload();
  await ada.page.locator('#welcome').waitFor();
  await ada.logIn();
  await ada.isIn(server);
});

test('what is wrong stands at its field', async () => {
  const eve = await Person.arrive(browser, unique('eve'));
  const form = eve.page.locator('#register');
  await form.getByLabel('Username').fill('x');
  await form.getByLabel('E-mail').fill('nowhere');
  await form.getByLabel('Password').fill('short');
  await form.getByRole('button').click();
  await form.locator('[name=password][aria-invalid]').waitFor();
  assert.notEqual(await form.locator('#register-password-problem').innerText(), '');

  const login = eve.page.locator('#login');
  await login.getByLabel('Username or e-mail').fill(unique('nobody'));
  await login.getByLabel('Password').fill('wrong password');
  await login.getByRole('button').click();
  await login.locator('.problem').getByText('Wrong Name or Password').waitFor();
});

test('members show who is online', async () => {
  const { ada, bob } = await twoInAServer(browser);
  await ada.page.locator('#member-list .online').getByText(bob.name).waitFor();
  await bob.page.getByRole('button', { name: 'Log out' }).click();
  await ada.page.locator('#member-list li:not(.online)').getByText(bob.name).waitFor();
});

test('everything works with the keyboard alone', async () => {
  const { ada } = await twoInAServer(browser);
  await ada.say('by hand');
  await ada.sees('by hand');
  const { page } = ada;
  await page.getByLabel('Message', { exact: true }).focus();
  for (let i = 0; i < 12; i += 1) {
    await page.keyboard.press('Shift+Tab');
    if ((await page.evaluate(() => document.activeElement.textContent)) === 'Edit') break;
  }
  await page.keyboard.press('Enter');
  await page.getByLabel('Edit message').fill('by keyboard');
  await page.keyboard.press('Enter');
  await ada.sees('by keyboard');
});
