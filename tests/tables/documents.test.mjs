// SPDX-License-Identifier: MIT
// The API's documents: valid to linters that are not ours, and as complete as the rows.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';

const tests = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = process.env.BIN ?? join(dirname(tests), 'build/debug/bin');
const share = join(bin, '../share');

const read = (name) => JSON.parse(readFileSync(join(share, name), 'utf8'));
const told = (kind) => readdirSync(share).filter((name) => name.endsWith(`.${kind}.json`)).map(read);
const routes = () => JSON.parse(execFileSync(join(bin, 'gateway'), ['--routes'])).routes;

test('OpenAPI has no fault that spectral finds', () => {
    const folder = mkdtempSync(join(tmpdir(), 'documents-'));
    const rules = join(folder, 'rules.yaml');
    writeFileSync(rules, 'extends: ["spectral:oas"]\n');
    const spectral = join(tests, 'node_modules/.bin/spectral');
    try {
        execFileSync(spectral, ['lint', '-F', 'warn', '-r', rules, join(share, 'openapi.json')], {
            encoding: 'utf8',
        });
    } catch (e) {
        assert.fail(e.stdout);
    } finally {
        rmSync(folder, { recursive: true });
    }
});

test('AsyncAPI has no error that its own parser finds', async () => {
    const text = readFileSync(join(share, 'asyncapi.json'), 'utf8');
    const { document, diagnostics } = await new Parser().parse(text);
    const errors = diagnostics.filter((d) => d.severity === 0);
    assert.deepEqual(errors.map((d) => `${d.path.join('.')}: ${d.message}`), []);
    assert.ok(document);
});

test('every route is in OpenAPI, and nothing else is', () => {
    const { paths } = read('openapi.json');
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    const served = routes().map((r) => `${r.method} ${r.path}`);
    assert.deepEqual(documented.sort(), served.sort());
});

test('every parameter of a path is described', () => {
    for (const [path, methods] of Object.entries(read('openapi.json').paths)) {
        const names = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
        for (const operation of Object.values(methods)) {
            const described = operation.parameters.filter((p) => p.in === 'path').map((p) => p.name);
            assert.deepEqual(described, names, `${operation.operationId} ${path}`);
        }
    }
});

test('every route but the streamed ones is a WebSocket command in AsyncAPI', () => {
    const { messages } = read('asyncapi.json').components;
    const commands = Object.values(messages).map((m) => m.payload?.properties?.t?.const);
    for (const route of routes().filter((r) => r.raw === null)) {
        assert.ok(commands.includes(route.subject), route.subject);
    }
});

test('every event is a channel of the bus in AsyncAPI', () => {
    const channels = Object.values(read('asyncapi.json').channels).map((c) => c.address);
    for (const event of told('events').flatMap((file) => file.emits)) {
        const address = channels.find((a) => a.replace(/\{\w+\}/g, '*') === event.subject);
        assert.ok(address, event.subject);
    }
});
