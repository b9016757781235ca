// SPDX-License-Identifier: MIT
// REST and the tokens. The access token is only in memory and is renewed before it expires; the
// refresh token is in sessionStorage, so a reload keeps one signed in and closing the tab does not.
// A refresh token works once, so however many requests find the access token old, one renews it.

const BASE = '/api/v1';
const STORAGE_KEY = 'parley.refresh_token';
const RENEW_EARLY_MS = 30_000;
const DEADLINE_MS = 15_000;

/** What a server answered instead of what was asked for; status 0: it could not be reached. */
export class ApiError extends Error {
  constructor(status, problem = {}) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.status = status;
    this.fields = problem.errors ?? [];
  }

  /** The request may have been fine: trying again can help. */
  get isPassing() {
    return this.status === 0 || this.status >= 500;
  }

  /** All it says, where no form shows the fields. */
  get text() {
    return [this.message, ...this.fields.map((f) => `${f.field} ${f.message}`)].join('; ');
  }
}

const UNREACHABLE = { title: 'The server cannot be reached.' };

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { title: response.statusText };
  }
}

async function ask(method, path, { body, token, keepalive = false }) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers,
      keepalive,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  } catch {
    throw new ApiError(0, UNREACHABLE);
  }
  if (!response.ok) throw new ApiError(response.status, await problemOf(response));
  return response.status === 204 ? null : response.json();
}

/** Emits `signedout` when the session is over, whoever ended it. */
export class Api extends EventTarget {
  #access = null;
  #expires = 0;
  #renewal = null;

  get isSignedIn() {
    return sessionStorage.getItem(STORAGE_KEY) !== null;
  }

  async register(account) {
    return this.#keep(await ask('POST', '/auth/register', { body: account }));
  }

  async logIn(login, password) {
    return this.#keep(await ask('POST', '/auth/login', { body: { login, password } }));
  }

  async logOut() {
    try {
      await this.post('/auth/logout');
    } finally {
      this.#forget();
    }
  }

  get(path) {
    return this.#request('GET', path);
  }

  post(path, body) {
    return this.#request('POST', path, body);
  }

  put(path, body) {
    return this.#request('PUT', path, body);
  }

  patch(path, body) {
    return this.#request('PATCH', path, body);
  }

  delete(path) {
    return this.#request('DELETE', path);
  }

  /** Without waiting and without an answer, because the page is about to go. */
  atLast(method, path, body) {
    ask(method, path, { body, token: this.#access, keepalive: true }).catch(() => {});
  }

  /** What needs no account. */
  getPublic(path) {
    return ask('GET', path, {});
  }

  /** An access token that is good for a while yet. */
  async token() {
    if (this.#expires - Date.now() > RENEW_EARLY_MS) return this.#access;
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** The server does not take the token any more, whatever its age. */
  distrustToken() {
    this.#expires = 0;
  }

  /** A file of a message to be; `onProgress` hears a number from 0 to 1. */
  async upload(file, { onProgress, signal }) {
    const token = await this.token();
    const form = new FormData();
    form.append('file', file, file.name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('POST', `${BASE}/media/upload`);
      request.setRequestHeader('Authorization', `Bearer ${token}`);
      request.responseType = 'json';
      request.upload.onprogress = (e) => onProgress(e.total > 0 ? e.loaded / e.total : 0);
      request.onerror = () => reject(new ApiError(0, UNREACHABLE));
      request.onabort = () => reject(new DOMException('cancelled', 'AbortError'));
      request.onload = () =>
        request.status < 300
          ? resolve(request.response)
          : reject(new ApiError(request.status, request.response ?? {}));
      signal.addEventListener('abort', () => request.abort());
      request.send(form);
    });
  }

  async #request(method, path, body) {
    const token = await this.token();
    try {
      return await ask(method, path, { body, token });
    } catch (error) {
      if (error.status !== 401) throw error;
      this.distrustToken();
      return ask(method, path, { body, token: await this.token() });
    }
  }

  async #renew() {
    const refresh = sessionStorage.getItem(STORAGE_KEY);
    if (refresh === null) throw new ApiError(401, { title: 'You are signed out.' });
    try {
      this.#keep(await ask('POST', '/auth/refresh', { body: { refresh_token: refresh } }));
    } catch (error) {
      if (error.status === 401) this.#forget();
      throw error;
    }
    return this.#access;
  }

  #keep(signedIn) {
    this.#access = signedIn.access_token;
    this.#expires = Date.now() + signedIn.expires_in * 1000;
    sessionStorage.setItem(STORAGE_KEY, signedIn.refresh_token);
    return signedIn.user;
  }

  #forget() {
    this.#access = null;
    this.#expires = 0;
    sessionStorage.removeItem(STORAGE_KEY);
    this.dispatchEvent(new Event('signedout'));
  }
}
