// SPDX-License-Identifier: MIT
// Values made of a JSON schema: ones it allows, and ones it does not. Pseudo-random from a seed
// that a failing test prints, so that a failure can be had again (SEED=... in the environment).

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

export const seed = Number(process.env.SEED ?? Date.now() % 1000000);

let state = seed;
/** An integer below `n` (xorshift32). */
export function below(n) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
}
const pick = (list) => list[below(list.length)];

const ajv = new Ajv({ strict: false });
addFormats(ajv);
export const allows = (schema, value) => ajv.validate(schema, value);

const texts = ['a', 'plain', 'Ünïcode ✓', '漢字かな', '👩‍👩‍👧', '"quoted" \\ back', '<b>&amp;', "'; DROP TABLE users --", ' x '];

function someText({ minLength = 0, maxLength = 64, pattern }) {
  if (pattern?.startsWith('^[1-9]')) return String(1 + below(2 ** 31));
  if (pattern?.startsWith('^(0|')) return String(below(2 ** 31));
  const long = below(8) === 0;
  const text = long ? 'm'.repeat(maxLength) : pick(texts).slice(0, maxLength);
  // Names are counted without the space around them.
  return text.trim().length < minLength ? text.trim().padEnd(minLength, 'x') : text;
}

function someNumber({ minimum = 0, maximum = 2 ** 31 }) {
  const top = Math.min(maximum, Number.MAX_SAFE_INTEGER);
  return pick([minimum, top, minimum + below(Math.min(top - minimum + 1, 2 ** 31))]);
}

/** A value the schema allows. */
export function valid(schema) {
  if (schema.enum) return pick(schema.enum);
  const type = Array.isArray(schema.type) ? pick(schema.type) : schema.type;
  switch (type) {
  case 'object': return validObject(schema);
  case 'array': return Array.from({ length: Math.max(schema.minItems ?? 0, below(3)) }, () => valid(schema.items));
  case 'string': return someText(schema);
  case 'integer': return someNumber(schema);
  case 'boolean': return below(2) === 1;
  case 'null': return null;
  default: return { any: [1, 'json', null] };
  }
}

function validObject({ properties = {}, required = [] }) {
  const keys = Object.keys(properties).filter((key) => required.includes(key) || below(2) === 1);
  return Object.fromEntries(keys.map((key) => [key, valid(properties[key])]));
}

const wrong = [
  null, true, -1, 0.5, 1e308, 2 ** 53, '', 'text', 'x'.repeat(5000), '99999999999999999999', '-5', [], [null], [[[]]],
  {}, { a: {} },
];

/** Values for one property that the schema does not allow. */
export const invalid = (schema) => wrong.filter((value) => !allows(schema, value));

/** Bodies no endpoint can take, each with a name. */
export const garbage = [
  ['not JSON', '{'],
  ['single quotes', "{'a':1}"],
  ['a list', '[]'],
  ['a list of lists', '['.repeat(30000)],
  ['a text', '"text"'],
  ['a number', '1'],
  ['two values', '{} {}'],
  ['objects 10,000 deep', '{"name":'.repeat(7000) + '1' + '}'.repeat(7000)],
  ['bad UTF-8', Buffer.from([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
  ['overlong UTF-8', Buffer.from([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xc0, 0xaf, 0x22, 0x7d])],
  ['a NUL byte', Buffer.from('{"name":"a\u0000b"}')],
  ['an escaped NUL', '{"name":"a\\u0000b"}'],
  ['a lone surrogate', '{"name":"\\ud800"}'],
  ['a byte order mark', '\ufeff{}'],
  ['the same key twice', '{"name":"a","name":"b"}'],
  ['a number too large', '{"name":1e999999}'],
  ['an integer too large', '{"name":123456789012345678901234567890}'],
  ['not a number', '{"name":NaN}'],
  ['larger than any body', `{"name":"${'x'.repeat(70000)}"}`],
];
