// SPDX-License-Identifier: MIT
// Files going up and coming down.

import assert from 'node:assert/strict';
import { call } from './person.mjs';

/** A multipart body with one part named "file". */
export function multipart(filename, bytes, type = 'application/octet-stream') {
  const form = new FormData();
  form.append('file', new Blob([bytes], { type }), filename);
  return form;
}

export function tryUpload(person, filename, bytes, type) {
  return call(person.base, 'POST', '/media/upload', { token: person.token, raw: multipart(filename, bytes, type) });
}

/** The attachment, with the token that binds it to a message. */
export async function upload(person, filename, bytes, type) {
  const given = await tryUpload(person, filename, bytes, type);
  assert.equal(given.status, 201, given.text);
  return given.body;
}
