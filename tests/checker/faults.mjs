// SPDX-License-Identifier: MIT
// What goes wrong during a seed, planned by its number: processes of ours are killed or frozen,
// engines are restarted. `heal` puts everything back and waits until it says it is ready.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { control, ops } from '../suite/lib/stack.mjs';
import { sleep, until } from '../suite/lib/wait.mjs';

const COPIES = ['1', '2'];
const SERVICES = ['auth', 'messaging', 'media', 'presence', 'moderation', 'voice-signaling'];
export const processes = [...SERVICES, 'gateway'].flatMap((name) => COPIES.map((copy) => `${name}-${copy}`));
const engines = ['nats', 'postgres', 'redis'];

const KINDS = { kill: 40, freeze: 35, restart: 10, engine: 15 };
/** Most of what can be lost is under way in these. */
const VICTIMS = { messaging: 45, gateway: 30, auth: 8, moderation: 6, presence: 5, media: 3, 'voice-signaling': 3 };
const ENGINES = { nats: 45, postgres: 35, redis: 20 };
const READY_MS = 30000;

function oneFault(random, spanMs) {
  const kind = random.weighted(KINDS);
  const target = kind === 'engine' ? random.weighted(ENGINES) : `${random.weighted(VICTIMS)}-${random.pick(COPIES)}`;
  return { at: random.between(150, spanMs), kind, target, ms: random.between(100, kind === 'freeze' ? 2000 : 700) };
}

/** The faults of a seed, by time. Some seeds have none: then nothing may be late either. */
export function plan(random, spanMs) {
  const count = random.weighted({ 0: 1, 1: 3, 2: 4, 3: 4, 4: 2 });
  return Array.from({ length: Number(count) }, () => oneFault(random, spanMs)).sort((a, b) => a.at - b.at);
}

export const describe = ({ at, kind, target, ms }) => `${at} ms ${kind} ${target} ${ms} ms`;

/** {pid, since}, or undefined: as run/NAME.pid says, and it is still that process. */
async function processOf(name) {
  try {
    const [pid, since] = (await readFile(join(process.env.STACK_DIR, 'run', `${name}.pid`), 'utf8')).trim().split(' ');
    const [state, ...rest] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').pop().split(' ');
    return state !== 'Z' && rest[18] === since ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

async function signal(name, what) {
  const pid = await processOf(name);
  if (pid === undefined) return;
  try {
    process.kill(pid, what);
  } catch {
    // it ended in this moment
  }
}

const isReady = (name) => async () => (await fetch(`${ops(name)}/ready`, { signal: AbortSignal.timeout(1000) })).ok;

export class Faults {
  constructor(trace, list) {
    this.trace = trace;
    this.list = list;
    this.struck = []; /* {target, from, to}: when what it does could be late */
    this.busy = new Set();
  }

  /** Lets everything happen at its time; ends with the last one begun. */
  async run() {
    const from = Date.now();
    this.under = [];
    for (const fault of this.list) {
      await sleep(Math.max(0, from + fault.at - Date.now()));
      if (this.busy.has(fault.target)) continue;
      this.under.push(this.strike(fault));
    }
    await Promise.all(this.under);
  }

  async strike(fault) {
    const mark = { target: fault.target, from: Date.now(), to: Infinity };
    this.struck.push(mark);
    this.busy.add(fault.target);
    this.trace.note('fault', `${fault.kind} ${fault.target}`);
    try {
      await this[fault.kind](fault);
      this.trace.note('fault', `${fault.target} is back`);
    } catch (error) {
      /* What it needs may be away in this moment: `heal` starts it again. */
      this.trace.note('fault', `${fault.target} is not back: ${error.message.split('\n')[1] ?? error.message}`);
    }
    this.busy.delete(fault.target);
    mark.to = Date.now();
  }

  async kill({ target, ms }) {
    await signal(target, 'SIGKILL');
    await sleep(ms);
    await control('start', target);
  }

  async freeze({ target, ms }) {
    await signal(target, 'SIGSTOP');
    await sleep(ms);
    await signal(target, 'SIGCONT');
  }

  /** The polite way: it drains. */
  async restart({ target }) {
    await control('restart', target);
  }

  async engine({ target }) {
    await control('restart', target);
  }

  /** Was anything struck in this time that may make news late? */
  hit(from, to) {
    return this.struck.some((mark) => mark.from <= to && mark.to >= from);
  }

  static async heal() {
    const gone = [];
    for (const name of [...engines, ...processes]) {
      if ((await processOf(name)) === undefined) gone.push(name);
      else await signal(name, 'SIGCONT');
    }
    if (gone.length > 0) await control('start', ...gone);
    await Promise.all(processes.map((name) => until(`${name} is ready`, isReady(name), READY_MS)));
  }
}
