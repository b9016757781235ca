// SPDX-License-Identifier: MIT
// Settings cannot drift: every key a program knows (`PROGRAM --settings`) is handed to it by
// docker-compose.yml, compose hands it nothing else, and the variables compose reads are exactly
// those of .env.example.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../package.json', import.meta.url));
const yaml = require('js-yaml');

const bin = process.env.BIN ?? 'build/debug/bin';
const complaints = [];

function lineOf(file, text) {
  const at = readFileSync(file, 'utf8').split('\n').findIndex((line) => line.includes(text));
  return `${file}:${at + 1}`;
}

/** The keys a program prints; a key's NAME_FILE form is a way to give NAME, not a key. */
function keysOf(program) {
  const text = execFileSync(`${bin}/${program}`, ['--settings'], { encoding: 'utf8' });
  const json = [...text.matchAll(/"name"\s*:\s*"([A-Z][A-Z0-9_]*)"/g)].map((m) => m[1]);
  const table = [...text.matchAll(/^\|\s*`?([A-Z][A-Z0-9_]*)`?\s*\|/gm)].map((m) => m[1]);
  return new Set(json.length > 0 ? json : table);
}

function environmentOf(service) {
  return new Set(Object.keys(service.environment ?? {}));
}

function compare(program, keys, given) {
  for (const key of keys) {
    if (!given.has(key)) {
      complaints.push(`${lineOf('docker-compose.yml', `  ${program}:`)}: ${program} is not given ${key}`);
    }
  }
  for (const key of given) {
    if (!keys.has(key)) {
      complaints.push(`${lineOf('docker-compose.yml', `${key}:`)}: ${program} has no setting ${key}`);
    }
  }
}

const composeText = readFileSync('docker-compose.yml', 'utf8');
const compose = yaml.load(composeText);
const programs = ['gateway', ...readdirSync('services')].filter((name) => existsSync(`${bin}/${name}`));

for (const program of programs) {
  const service = compose.services[program];
  if (service === undefined) {
    complaints.push(`docker-compose.yml:1: there is no service ${program}`);
  } else {
    compare(program, keysOf(program), environmentOf(service));
  }
}

// ${NAME:?...} and ${NAME:-...}; "$$" is an escaped dollar for a shell inside a container.
const read = new Set(
  [...composeText.replaceAll('$$', '').matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map((m) => m[1]),
);
const offered = new Set(
  [...readFileSync('.env.example', 'utf8').matchAll(/^#?\s?([A-Z][A-Z0-9_]*)=/gm)].map((m) => m[1]),
);
for (const name of read) {
  if (!offered.has(name)) complaints.push(`${lineOf('docker-compose.yml', `\${${name}`)}: ${name} is not in .env.example`);
}
for (const name of offered) {
  if (!read.has(name)) complaints.push(`${lineOf('.env.example', `${name}=`)}: nothing in docker-compose.yml reads ${name}`);
}

for (const complaint of complaints) console.log(complaint);
process.exit(complaints.length > 0 ? 1 : 0);
