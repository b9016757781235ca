// SPDX-License-Identifier: MIT
// The API's documents are valid by linters that know nothing of this project, and complete.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import asyncapi from '@asyncapi/parser';
import spectralCore from '@stoplight/spectral-core';
import rulesets from '@stoplight/spectral-rulesets';
import { document, operations, prefix } from './lib/contract.mjs';
import { first, gateways } from './lib/stack.mjs';

const { Spectral } = spectralCore;

const named = (list) => list.map((it) => `${it.code} ${it.path.join('.')}: ${it.message}`);

test('openapi.json is OpenAPI 3.1 without a complaint', async () => {
  assert.match(document.openapi, /^3\.1\./);
  const spectral = new Spectral();
  spectral.setRuleset({ extends: [rulesets.oas] });
  assert.deepEqual(named(await spectral.run(document)), []);
});

test('asyncapi.json is AsyncAPI 3 without an error', async () => {
  const text = await (await fetch(`${first}${prefix}/asyncapi.json`)).text();
  assert.match(JSON.parse(text).asyncapi, /^3\./);
  const { diagnostics } = await new asyncapi.Parser().parse(text);
  assert.deepEqual(named(diagnostics.filter((it) => it.severity === 0)), []);
});

test('every gateway tells the same', async () => {
  for (const base of gateways) {
    assert.deepEqual(await (await fetch(`${base}${prefix}/openapi.json`)).json(), document);
  }
});

test('every row says what it answers, whom it lets in and how often', () => {
  const ids = operations.map((it) => it.id);
  assert.equal(new Set(ids).size, ids.length);
  for (const operation of operations) {
    assert.match(operation.guard, /^(public|user|admin|server|channel)$/, operation.id);
    assert.match(operation.rate, /^(general|messaging|auth|upload|download|signal)$/, operation.id);
    const good = Object.keys(operation.answers).filter((status) => /^2\d\d$/.test(status));
    assert.ok(good.length >= 1, operation.id);
    const inPath = [...operation.path.matchAll(/\{([^}]+)\}/g)].map((it) => it[1]);
    const told = operation.parameters.filter((it) => it.in === 'path').map((it) => it.name);
    assert.deepEqual(told.sort(), inPath.sort(), operation.id);
  }
});
