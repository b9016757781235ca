// SPDX-License-Identifier: MIT
// The stack under test: where its gateways are, how to stop, kill and start its processes, and how
// to bring up another one with other settings. tests/run.sh gives all of it as environment.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

function need(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: start the suite with tests/run.sh suite`);
  return value;
}

/** Public addresses of all gateways; the same one twice when there is only one. */
export const gateways = need('PARLEY_URLS').split(',');
export const first = gateways[0];
export const second = gateways[1] ?? gateways[0];

export const admin = { username: need('ADMIN_USERNAME'), password: need('ADMIN_PASSWORD') };

/** Address of a process's own /health, /ready and /metrics: ops('auth-1'). */
export function ops(name) {
  return need(`OPS_${name.toUpperCase().replaceAll('-', '_')}`);
}

/** As `ops`, or undefined when the stack has no such process. */
export function hasProcess(name) {
  return process.env[`OPS_${name.toUpperCase().replaceAll('-', '_')}`] !== undefined;
}

/** The bus as one of its users sees it. */
export function natsUrl(user) {
  return need(`NATS_URL_${user.toUpperCase()}`);
}

/** control('restart', 'nats'), control('kill', 'messaging-1'), ... */
export async function control(verb, ...names) {
  await run(need('STACK'), [verb, ...names], { env: process.env });
}

export function psql(statement) {
  return run(need('STACK'), ['psql', '-qAt', '-c', statement], { env: process.env });
}

/** Another stack with settings of its own, for as long as `body(env)` takes. */
export async function withOwnStack(settings, body) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-suite-'));
  const env = {
    ...process.env,
    STACK_DIR: folder,
    LISTEN_PORT: '0',
    GATEWAYS: '1',
    COPIES: '1',
    STACK_FSYNC: 'off',
    SETTINGS: Object.entries(settings).map(([name, value]) => `${name}=${value}`).join(' '),
  };
  const script = need('STACK');
  try {
    await run(script, ['up'], { env });
    await body(parseEnv(await readFile(join(folder, 'stack.env'), 'utf8')));
  } finally {
    await run(script, ['down'], { env }).catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}

function parseEnv(text) {
  return Object.fromEntries(text.split('\n').filter(Boolean).map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1).replace(/^'(.*)'$/, '$1')];
  }));
}
