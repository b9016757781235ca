// SPDX-License-Identifier: MIT
// What NATS lets each service say: neither less than its rows need nor more.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const share = join(process.env.BIN ?? join(top, 'build/debug/bin'), '../share');
const told = readdirSync(share)
    .filter((name) => name.endsWith('.events.json'))
    .map((name) => JSON.parse(readFileSync(join(share, name), 'utf8')));

/** The event subjects a user of nats.conf may publish. */
function allowed(user) {
    const conf = readFileSync(join(top, 'deploy/nats.conf'), 'utf8');
    const own = conf.slice(conf.indexOf(`user: ${user}\n`));
    const list = own.slice(own.indexOf('publish: ['), own.indexOf('subscribe: ['));
    return [...list.matchAll(/"(evt\.[^"]+)"/g)].map((m) => m[1]);
}

function covers(pattern, subject) {
    const tokens = pattern.split('.');
    const wanted = subject.split('.');
    return tokens.length === wanted.length && tokens.every((token, i) => token === '*' || token === wanted[i]);
}

for (const { service, emits } of told) {
    const patterns = allowed(service.split('-')[0]);

    test(`${service} may publish each of its events`, () => {
        const refused = emits.filter(({ subject }) => !patterns.some((pattern) => covers(pattern, subject)));
        assert.deepEqual(refused.map((it) => it.subject), []);
    });

    test(`${service} may publish nothing else`, () => {
        const unused = patterns.filter((pattern) => !emits.some(({ subject }) => covers(pattern, subject)));
        assert.deepEqual(unused, []);
    });
}
