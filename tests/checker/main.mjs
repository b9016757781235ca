// SPDX-License-Identifier: MIT
// The randomised checker: clients on several gateways do what a seed says while processes are killed
// and frozen, engines restart and connections break; afterwards nothing acknowledged may be lost,
// doubled or out of order for anybody. `make check-faults SEEDS=n START=seed` runs it; a seed that
// failed is played again by START=seed SEEDS=1: the same script and the same faults, though the
// moment they meet can differ.
//
// script.mjs is what clients do, faults.mjs what happens to them, replica.mjs what each believes and
// insists on (reactions.mjs: of a message's reactions), world.mjs what all together know, verdict.mjs
// the end (ledger.mjs: of reactions).

import { gateways } from '../suite/lib/stack.mjs';
import { until, within } from '../suite/lib/wait.mjs';
import { Faults, describe, plan } from './faults.mjs';
import { Random } from './random.mjs';
import { perform, write } from './script.mjs';
import { Trace } from './trace.mjs';
import { judge, outboxesAreEmpty } from './verdict.mjs';
import { World } from './world.mjs';

const SPAN_MS = Number(process.env.SPAN_MS ?? 2600);
/** After everything is well again, what is asked must be answered within this. */
const RECOVERY_MS = 12000;
const SEED_MS = 120000;

async function run(world, faults, scripts) {
  world.trace.note('fault', 'it begins');
  for (const client of world.clients) client.connect();
  await until('everybody is ready', () => world.clients.every((client) => client.isLive), 10000);
  const done = Promise.all(world.clients.map((client, i) => perform(client, scripts[i])));
  await faults.run();
  for (const wire of world.wires) wire.heal();
  await Faults.heal();
  world.trace.note('fault', 'all is well');
  world.deadline = Date.now() + RECOVERY_MS;
  await done;
  await until('everybody is back', () => world.clients.every((client) => client.isLive), RECOVERY_MS);
  await judge(world);
}

/** True: nothing was wrong. */
async function play(seed) {
  const began = Date.now();
  const random = new Random(seed);
  const trace = new Trace(seed);
  const faults = new Faults(trace, plan(random.fork(), SPAN_MS));
  const world = new World(seed, trace, faults);
  try {
    await world.build(gateways, random.fork());
    const scripts = world.clients.map((client) => write(random.fork(), client, SPAN_MS));
    await within(SEED_MS, 'the seed to end', run(world, faults, scripts));
  } catch (error) {
    trace.violate('checker', error.stack + (error.cause ? `\n${error.cause.stack}` : ''));
  }
  world.close();
  await Faults.heal();
  const isGood = trace.violations.length === 0;
  const what = `${world.writes.length} writes, faults: ${faults.list.map(describe).join('; ') || 'none'}`;
  console.log(`${isGood ? 'ok' : 'VIOLATED'} seed ${seed}: ${((Date.now() - began) / 1000).toFixed(1)} s, ${what}`);
  if (!isGood) trace.print();
  return isGood;
}

async function main() {
  const count = Number(process.env.SEEDS ?? 20);
  const start = Number(process.env.START ?? 1);
  const violated = [];
  for (let seed = start; seed < start + count; seed++) if (!(await play(seed))) violated.push(seed);
  if (violated.length > 0) console.log(`violated: seeds ${violated.join(' ')}`);
  await outboxesAreEmpty();
  console.log(`${count - violated.length} passed, ${violated.length} failed`);
  return violated.length === 0;
}

try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  console.log(`${error.stack}\n0 passed, 1 failed`);
  process.exit(1);
}
