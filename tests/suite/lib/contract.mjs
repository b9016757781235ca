// SPDX-License-Identifier: MIT
// What the server's own OpenAPI document says, as functions: which operation a request is, and
// whether an answer is one that operation may give. Every answer of the whole suite passes here.

import assert from 'node:assert/strict';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { first } from './stack.mjs';

export const prefix = '/api/v1';

const answer = await fetch(`${first}${prefix}/openapi.json`);
assert.equal(answer.status, 200);
export const document = await answer.json();

/** An object of ours holds what is documented and nothing else. */
function close(schema) {
  if (Array.isArray(schema)) return schema.map(close);
  if (schema === null || typeof schema !== 'object') return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, close(value)]));
  if (closed.type === 'object' && closed.properties) closed.additionalProperties = false;
  return closed;
}

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ $id: 'api', components: close(document.components) });

const problem = ajv.compile({ $ref: 'api#/components/schemas/problem' });

/** All operations: {id, method, path, guard, rate, permission, parameters, body, answers}. */
export const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, it]) => ({
    id: it.operationId,
    method: method.toUpperCase(),
    path,
    guard: it['x-guard'],
    rate: it['x-rate-class'],
    permission: it['x-permission'],
    parameters: (it.parameters ?? []).filter((parameter) => parameter.name),
    body: it.requestBody?.content?.['application/json']?.schema,
    upload: it.requestBody?.content?.['multipart/form-data'] !== undefined,
    answers: it.responses,
    matches: new RegExp(`^${path.replace(/\{[^}]+\}/g, '([^/]+)')}$`),
  })),
);

const literals = (path) => path.split('/').filter((part) => !part.startsWith('{')).length;

/** The operation of a request; among several the one with the most literal path, as the server. */
export function operationOf(method, path) {
  return operations
    .filter((it) => it.method === method && it.matches.test(path.split('?')[0]))
    .sort((a, b) => literals(b.path) - literals(a.path))[0];
}

const validators = new Map();

function validatorOf(operation, status) {
  const key = `${operation.id} ${status}`;
  if (!validators.has(key)) {
    const schema = operation.answers[status].content?.['application/json']?.schema;
    const local = JSON.parse(JSON.stringify(schema ?? false).replaceAll('"#/', '"api#/'));
    validators.set(key, schema ? ajv.compile(close(local)) : null);
  }
  return validators.get(key);
}

function checkSuccess(what, operation, { status, type, body, text }) {
  assert.ok(operation.answers[status], `${what}: ${status} is not documented`);
  if (status === 204) return assert.equal(text, '', `${what}: 204 has no body`);
  const validate = validatorOf(operation, status);
  if (!validate) return undefined;
  assert.equal(type, 'application/json', what);
  assert.ok(validate(body), `${what}: not as documented: ${ajv.errorsText(validate.errors)}\n${text}`);
}

/** RFC 9457 as this API writes it. */
export function checkProblem(what, { status, type, body, text, headers }) {
  assert.equal(type, 'application/problem+json', `${what}: ${status} ${text}`);
  assert.ok(problem(body), `${what}: ${ajv.errorsText(problem.errors)}\n${text}`);
  assert.equal(body.status, status, what);
  assert.match(body.type, /^\/problems\/[a-z_]+$/, what);
  if (status === 429 || status === 503) {
    assert.match(headers.get('retry-after') ?? '', /^[1-9]\d*$/, `${what}: ${status} says when to come back`);
  }
}

/** Fails when `given` is nothing the document announces for this request. */
export function check(method, path, given) {
  const what = `${method} ${path}`;
  if (given.status >= 400) return checkProblem(what, given);
  const operation = operationOf(method, path);
  if (operation) checkSuccess(what, operation, given);
}
