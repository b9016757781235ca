// SPDX-License-Identifier: MIT
// Files: up to their limit and back unharmed, by ranges, only by their links, and bound to messages.

import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { tryUpload, upload } from './lib/files.mjs';
import { newcomer } from './lib/person.mjs';
import { community } from './lib/place.mjs';
import { listen } from './lib/socket.mjs';
import { first, second } from './lib/stack.mjs';

const LIMIT = 25 * 1024 * 1024;
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function download(base, url, headers = {}) {
  const response = await fetch(new URL(url, base), { headers });
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) };
}

// One pixel.
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

test('25 MB go up on one gateway and come back whole from the other', async () => {
  const ann = await newcomer();
  const bytes = randomBytes(LIMIT);
  const file = await upload(ann, 'large.bin', bytes);
  assert.deepEqual([file.size, file.filename], [LIMIT, 'large.bin']);
  const { url } = await ann.get(`/media/${file.id}`);
  const back = await download(second, url);
  assert.equal(back.status, 200);
  assert.equal(sha(back.bytes), sha(bytes));
});

test('a byte more is refused, and so is what is no upload', async () => {
  const ann = await newcomer();
  assert.equal((await tryUpload(ann, 'larger.bin', Buffer.alloc(LIMIT + 1))).status, 413);
  const post = (raw, type) => ann.call('POST', '/media/upload', undefined, { raw, headers: { 'content-type': type } });
  for (const [raw, type] of [
    ['{}', 'application/json'],
    ['', 'multipart/form-data'],
    ['--x\r\n', 'multipart/form-data; boundary=x'],
    ['--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nhm\r\n--x--\r\n', 'multipart/form-data; boundary=x'],
    [randomBytes(1000), 'multipart/form-data; boundary=x'],
    [`--x\r\n${'A: b\r\n'.repeat(5000)}\r\n`, 'multipart/form-data; boundary=x'],
  ]) {
    const { status, text } = await post(raw, type);
    assert.ok(status >= 400 && status < 500, `${type} ${String(raw).slice(0, 40)}: ${status} ${text}`);
  }
});

test('ranges are served as RFC 9110 says', async () => {
  const ann = await newcomer();
  const bytes = randomBytes(300_000);
  const { id } = await upload(ann, 'range.bin', bytes);
  const { url } = await ann.get(`/media/${id}`);
  const cases = [['bytes=0-99', 0, 100], ['bytes=131000-131199', 131000, 131200], ['bytes=299990-', 299990, 300000], ['bytes=-7', 299993, 300000]];
  for (const [range, from, to] of cases) {
    const part = await download(first, url, { range });
    assert.equal(part.status, 206, range);
    assert.equal(part.headers.get('content-range'), `bytes ${from}-${to - 1}/300000`);
    assert.deepEqual(part.bytes, bytes.subarray(from, to), range);
  }
  const beyond = await download(first, url, { range: 'bytes=300000-' });
  assert.equal(beyond.status, 416);
  assert.equal(beyond.headers.get('content-range'), 'bytes */300000');
});

test('a link is for one file, and for a while', async () => {
  const ann = await newcomer();
  const [one, two] = [await upload(ann, 'one.txt', 'one'), await upload(ann, 'two.txt', 'two')];
  const { url } = await ann.get(`/media/${one.id}`);
  const link = new URL(url, first);
  const expires = Number(link.searchParams.get('exp'));
  assert.ok(expires > Date.now() / 1000 && expires < Date.now() / 1000 + 3 * 86400);
  const secret = /^MEDIA_SECRET=(.*)$/m.exec(await readFile(join(process.env.STACK_DIR, 'secrets.env'), 'utf8'))[1];
  const sign = (...parts) => createHmac('sha256', secret).update(parts.map((it) => `${it.length}:${it}`).join('')).digest('base64url');
  const at = (id, name, exp, sig) => `/api/v1/media/files/${id}/${name}?exp=${exp}&sig=${sig}`;
  const sig = link.searchParams.get('sig');
  assert.equal(sig, sign('file', one.id, 'one.txt', String(expires)), 'the test can sign');
  for (const forged of [
    at(one.id, 'one.txt', expires + 1, sig), at(two.id, 'one.txt', expires, sig), at(two.id, 'two.txt', expires, sig),
    at(one.id, 'two.txt', expires, sig), at(one.id, 'one.txt', expires, `${sig.slice(0, -2)}AA`),
    at(one.id, 'one.txt', 1000000000, sign('file', one.id, 'one.txt', '1000000000')),
  ]) {
    assert.equal((await download(first, forged)).status, 403, forged);
  }
  assert.equal((await download(first, url)).bytes.toString(), 'one');
});

test('what a file is, its bytes say; what could run in a browser is only to be saved', async () => {
  const ann = await newcomer();
  const picture = await upload(ann, 'picture.txt', png, 'text/plain');
  assert.deepEqual([picture.content_type, picture.width, picture.height], ['image/png', 1, 1]);
  const html = '<!doctype html><html><script>alert(1)</script></html>';
  assert.equal((await tryUpload(ann, 'picture.png', html, 'image/png')).status, 415);
  const page = await upload(ann, 'page.html', html, 'text/html');
  const { url } = await ann.get(`/media/${page.id}`);
  const { headers } = await download(first, url);
  assert.match(headers.get('content-disposition'), /^attachment/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
});

test('a file on a message is for who can read it, and goes with nobody\'s leave but theirs', async () => {
  const { owner, channel, guest } = await community();
  const hears = await listen(guest, second);
  const stranger = await newcomer();
  const file = await upload(owner, 'söme náme.png', png);
  await guest.refused([403, 404], 'GET', `/media/${file.id}`);
  await guest.refused([400, 403, 404], 'POST', `/channels/${channel.id}/messages`, { content: 'mine', attachments: [{ token: file.token }] });
  await owner.send(channel, '', { attachments: [{ token: file.token }] });
  const [attached] = (await hears.event('message.create')).attachments;
  assert.deepEqual([attached.id, attached.filename, attached.content_type], [file.id, 'söme náme.png', 'image/png']);
  assert.deepEqual((await download(second, attached.url)).bytes, png);
  assert.equal((await guest.at(second).get(`/media/${file.id}`)).id, file.id);
  await stranger.refused([403, 404], 'GET', `/media/${file.id}`);
  await owner.refused([403, 404, 409], 'DELETE', `/media/${file.id}`);
  const unused = await upload(owner, 'unused.txt', 'never sent');
  await guest.refused([403, 404], 'DELETE', `/media/${unused.id}`);
  const { url } = await owner.get(`/media/${unused.id}`);
  await owner.delete(`/media/${unused.id}`);
  await owner.refused(404, 'GET', `/media/${unused.id}`);
  assert.ok([403, 404].includes((await download(first, url)).status));
});

/** A client that sends everything before it reads anything: what it reads, and whether it was cut off. */
function sendAll(head, body) {
  const { hostname, port } = new URL(first);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    const got = { text: '', error: undefined };
    socket.on('data', (bytes) => (got.text += bytes));
    socket.on('error', (error) => (got.error = error.code));
    socket.on('close', () => resolve(got));
    socket.on('end', () => socket.end());
    socket.pause();
    socket.write(Buffer.concat([Buffer.from(head), body]), () => socket.resume());
  });
}

test('whoever is refused reads why, also in the middle of sending five megabytes', async () => {
  const ann = await newcomer();
  const body = Buffer.alloc(5 * 1024 * 1024, 'x');
  const chunked = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
  const signedIn = `Authorization: Bearer ${ann.token}\r\n`;
  const length = `Content-Length: ${body.length}\r\n`;
  const form = 'Content-Type: multipart/form-data; boundary=x\r\n';
  const rows = [
    [401, 'POST', '/media/upload', form + length, body],
    [415, 'POST', '/media/upload', `${signedIn}Content-Type: text/plain\r\n${length}`, body],
    [401, 'POST', '/servers', `Authorization: Bearer nonsense\r\nContent-Type: application/json\r\n${length}`, body],
    [413, 'POST', '/servers', `${signedIn}Content-Type: application/json\r\n${length}`, body],
    [413, 'POST', '/servers', `${signedIn}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n`, chunked],
    [415, 'POST', '/media/upload', `${signedIn}Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n`, chunked],
    [404, 'POST', '/nowhere', length, body],
  ];
  for (let round = 0; round < 3; round++) {
    for (const [status, method, path, headers, bytes] of rows) {
      const got = await sendAll(`${method} /api/v1${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`, bytes);
      const what = `${status} ${path} ${headers}`;
      assert.match(got.text, new RegExp(`^HTTP/1\\.1 ${status} `), what);
      assert.match(got.text, /\r\n\r\n\{.*\}$/, what);
      assert.equal(got.error, undefined, what);
    }
  }
});
