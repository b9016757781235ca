// SPDX-License-Identifier: MIT
// Settings cannot drift: every key a program knows (`PROGRAM --settings`) is handed to it by
// docker-compose.yml, compose hands it nothing else, the variables compose reads are exactly those
// of .env.example, and that shows the defaults the programs have.

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

/** The settings a program prints: name -> default, null when it has none. */
function settingsOf(program) {
  const text = execFileSync(`${bin}/${program}`, ['--settings'], { encoding: 'utf8' });
  return new Map(JSON.parse(text).map((setting) => [setting.name, setting.default]));
}

function environmentOf(service) {
  return new Set(Object.keys(service.environment ?? {}));
}

function compare(program, settings, given) {
  for (const key of settings.keys()) {
    if (!given.has(key)) {
      complaints.push(`${lineOf('docker-compose.yml', `  ${program}:`)}: ${program} is not given ${key}`);
    }
  }
  for (const key of given) {
    if (!settings.has(key)) {
      complaints.push(`${lineOf('docker-compose.yml', `${key}:`)}: ${program} has no setting ${key}`);
    }
  }
}

const defaults = new Map();
const composeText = readFileSync('docker-compose.yml', 'utf8');
const compose = yaml.load(composeText);
const programs = ['gateway', ...readdirSync('services')].filter((name) => existsSync(`${bin}/${name}`));

for (const program of programs) {
  const service = compose.services[program];
  if (service === undefined) {
    complaints.push(`docker-compose.yml:1: there is no service ${program}`);
  } else {
    const settings = settingsOf(program);
    compare(program, settings, environmentOf(service));
    settings.forEach((value, name) => defaults.set(name, value));
  }
}

// ${NAME:?...} and ${NAME:-...}; "$$" is an escaped dollar for a shell inside a container.
const read = new Set(
  [...composeText.replaceAll('$$', '').matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map((m) => m[1]),
);
const example = readFileSync('.env.example', 'utf8');
const offered = new Set([...example.matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map((m) => m[1]));
for (const name of read) {
  if (!offered.has(name)) complaints.push(`${lineOf('docker-compose.yml', `\${${name}`)}: ${name} is not in .env.example`);
}
for (const name of offered) {
  if (!read.has(name)) complaints.push(`${lineOf('.env.example', `${name}=`)}: nothing in docker-compose.yml reads ${name}`);
}

// A commented line of the example shows the program's default.
for (const [, name, shown] of example.matchAll(/^#([A-Z][A-Z0-9_]*)=(.*)$/gm)) {
  const value = defaults.get(name) ?? '';
  if (defaults.has(name) && value !== shown) {
    complaints.push(`${lineOf('.env.example', `#${name}=`)}: the default of ${name} is "${value}"`);
  }
}

for (const complaint of complaints) console.log(complaint);
process.exit(complaints.length > 0 ? 1 : 0);
