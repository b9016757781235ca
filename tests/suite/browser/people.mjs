// SPDX-License-Identifier: MIT
// People at their browsers: each has a context of their own, and does with the page what a person
// does, by what a person sees (roles, labels, text). Whatever the page complains of in the console
// fails the test that ends with `calm`.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chromium } from 'playwright-core';

export const BASE = process.env.PARLEY_URL;
const PASSWORD = 'correct horse battery';
const PATIENCE_MS = 15_000;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--allow-loopback-in-peer-connection',
];

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
  });
}

export function unique(word) {
  return `${word}_${randomBytes(4).toString('hex')}`;
}

// A request that fails while the gateway is away is not the page's fault.
const EXPECTED = /net::ERR_|WebSocket connection to|status of (401|404|429|503|504)/;

/** The tests look at connections from outside; the page itself gives nobody access to them. */
function expose() {
  window.connections = [];
  window.RTCPeerConnection = class extends window.RTCPeerConnection {
    constructor(config) {
      super({ ...config, iceTransportPolicy: localStorage.getItem('policy') ?? 'all' });
      window.connections.push(this);
    }
  };
  window.sockets = [];
  window.WebSocket = class extends window.WebSocket {
    constructor(url) {
      super(url);
      window.sockets.push(this);
    }
  };
}

/** Only the first time: afterwards the page has a newer token. */
function signIn(refreshToken) {
  if (refreshToken === null || sessionStorage.getItem('tests.signed_in') !== null) return;
  sessionStorage.setItem('tests.signed_in', 'yes');
  sessionStorage.setItem('parley.refresh_token', refreshToken);
}

export class Person {
  complaints = [];

  /** refreshToken: of an account that is signed in already. */
  static async arrive(browser, name, { path = '/', base = BASE, refreshToken = null } = {}) {
    const person = new Person();
    person.name = name;
    const context = await browser.newContext({ permissions: ['microphone', 'clipboard-write'] });
    context.setDefaultTimeout(PATIENCE_MS);
    await context.addInitScript(expose);
    await context.addInitScript(signIn, refreshToken);
    const page = await context.newPage();
    page.on('pageerror', (error) => person.complaints.push(error.message));
    page.on('console', (line) => {
      const isBad = line.type() === 'error' || line.type() === 'warning';
      if (isBad && !EXPECTED.test(line.text())) person.complaints.push(line.text());
    });
    person.page = page;
    await page.goto(base + path);
    return person;
  }

  /** Arrives and registers. */
  static async join(browser, word, place) {
    const person = await Person.arrive(browser, unique(word), place);
    await person.register();
    return person;
  }

  async register() {
    const form = this.page.locator('#register');
    await form.getByLabel('Username').fill(this.name);
    await form.getByLabel('E-mail').fill(`${this.name}@example.org`);
    await form.getByLabel('Password').fill(PASSWORD);
    await form.getByRole('button').click();
    await this.connected();
  }

  async logIn() {
    const form = this.page.locator('#login');
    await form.getByLabel('Username or e-mail').fill(this.name);
    await form.getByLabel('Password').fill(PASSWORD);
    await form.getByRole('button').click();
    await this.connected();
  }

  connected(timeout = PATIENCE_MS) {
    return this.page.locator('#connection[data-state=connected]').waitFor({ timeout });
  }

  async createServer(name) {
    await this.page.getByRole('button', { name: 'Create a server' }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await this.isIn(name);
  }

  async createChannel(name, kind = 'Text') {
    await this.page.getByRole('button', { name: 'New channel' }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('Kind').selectOption({ label: kind });
    await dialog.getByRole('button', { name: 'Create' }).click();
    await this.channel(name).waitFor();
    if (kind === 'Text') await this.page.locator('#place').getByText(`# ${name}`).waitFor();
  }

  /** A path like /invite/abc. */
  async createInvite() {
    await this.page.getByRole('button', { name: 'Invite', exact: true }).click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Create link' }).click();
    const link = await dialog.getByLabel('Link').inputValue();
    await dialog.getByRole('button', { name: 'Copy' }).click();
    await dialog.getByRole('button', { name: 'Copied' }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
    return new URL(link).pathname;
  }

  async acceptInvite(serverName) {
    const dialog = this.page.getByRole('dialog');
    await dialog.getByText(`Join ${serverName}?`).waitFor();
    await dialog.getByRole('button', { name: 'Join' }).click();
    await this.isIn(serverName);
  }

  isIn(serverName) {
    return this.page.locator('#server-name').getByText(serverName, { exact: true }).waitFor();
  }

  channel(name) {
    return this.page.locator('#channel-list').getByRole('button', { name });
  }

  async say(text) {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.keyboard.press('Enter');
  }

  message(text) {
    return this.page.locator('#messages .message:not(.pending)').filter({ hasText: text });
  }

  sees(text, timeout = PATIENCE_MS) {
    return this.message(text).waitFor({ timeout });
  }

  notSees(text) {
    return this.message(text).waitFor({ state: 'detached' });
  }

  /** A button of a message, which shows while one points at it. */
  async act(text, name) {
    await this.message(text).hover();
    await this.message(text).getByRole('button', { name }).click();
  }

  texts() {
    return this.page.locator('#messages .text').allInnerTexts();
  }

  calm() {
    assert.deepEqual(this.complaints, [], `${this.name}'s page complains`);
  }
}

/**
 * At the end of a test: what nobody looks at any more must not cost the next one time, nor keep
 * ports of the relay, as connections do that nobody closed.
 */
export async function everybodyLeaves(browser) {
  const pages = browser.contexts().flatMap((context) => context.pages());
  await Promise.all(pages.map((page) =>
    page.evaluate(() => window.connections?.forEach((one) => one.close())).catch(() => {})));
  await Promise.all(browser.contexts().map((context) => context.close()));
}

/** Waits until look() gives something true, and gives that. */
export async function eventually(look, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) assert.fail(`in vain: ${typeof what === 'string' ? what : await what()}`);
    await new Promise((done) => {
      setTimeout(done, 100);
    });
  }
}

/** What somebody does without the page. */
export async function call(method, path, { body, token, base = BASE } = {}) {
  const response = await fetch(`${base}/api/v1${path}`, {
    method,
    headers: {
      'Content-Type': 'application/json',
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: body && JSON.stringify(body),
  });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

function account(name) {
  const body = { username: name, email: `${name}@example.org`, password: PASSWORD };
  return call('POST', '/auth/register', { body });
}

/** Two people in a server of the first one's, who got there without the page: it is quicker. */
export async function twoInAServer(browser) {
  const names = [unique('ada'), unique('bob')];
  const server = unique('Library');
  const [ada, bob] = await Promise.all(names.map(account));
  const owner = { token: ada.access_token };
  const { id } = await call('POST', '/servers', { ...owner, body: { name: server } });
  const { code } = await call('POST', `/servers/${id}/invites`, { ...owner, body: {} });
  await call('POST', `/invites/${code}`, { token: bob.access_token });
  const [a, b] = await Promise.all([ada, bob].map((who, i) =>
    Person.arrive(browser, names[i], { refreshToken: who.refresh_token })));
  await Promise.all([a.isIn(server), b.isIn(server), a.connected(), b.connected()]);
  await a.page.locator('#member-list .online').getByText(b.name).waitFor();
  a.token = ada.access_token;
  b.token = bob.access_token;
  return { ada: a, bob: b, server, serverId: id };
}
