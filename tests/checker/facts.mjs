// SPDX-License-Identifier: MIT
// What was true when, as far as somebody outside can know: a change begins to hold somewhere between
// its request and its answer, and others notice it within a promised time after that.

export class Facts {
  constructor() {
    this.changes = new Map();
  }

  /** From now on `key` may be `value`. Answers the change, to be ended by `settle` or `undo`. */
  begin(key, value) {
    const change = { value, from: Date.now(), to: Infinity };
    if (!this.changes.has(key)) this.changes.set(key, []);
    this.changes.get(key).push(change);
    return change;
  }

  settle(change) {
    change.to = Date.now();
  }

  /** It was refused: nothing has changed. */
  undo(key, change) {
    const list = this.changes.get(key);
    list.splice(list.indexOf(change), 1);
  }

  set(key, value) {
    this.settle(this.begin(key, value));
  }

  /** The last value anybody asked for. */
  now(key) {
    return this.changes.get(key)?.at(-1)?.value;
  }

  /** All that was begun is known to have ended. */
  isCertain(key) {
    return (this.changes.get(key) ?? []).every((change) => change.to < Infinity);
  }

  /**
   * Was `key` `value` during all of [start, end], and everybody had `lag(change)` ms to notice?
   * False also when that cannot be known.
   */
  surely(key, value, start, end, lag) {
    const begun = (this.changes.get(key) ?? []).filter((change) => change.from <= end);
    const last = begun.at(-1);
    if (!last || last.value !== value) return false;
    return begun.every((change) => change.to < Infinity) && last.to + lag(last) <= start;
  }
}
