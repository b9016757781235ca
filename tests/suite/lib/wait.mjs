// SPDX-License-Identifier: MIT
// Waiting with an end.

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What `probe` answers once it is truthy; an error after `ms` that says what was waited for. */
export async function until(what, probe, ms = 5000) {
  const end = Date.now() + ms;
  let last;
  do {
    try {
      const value = await probe();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(20);
  } while (Date.now() < end);
  throw new Error(`waited ${ms} ms for ${what}`, { cause: last });
}

/** Rejects when `promise` takes longer than `ms`. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
