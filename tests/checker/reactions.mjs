// SPDX-License-Identifier: MIT
// One message's reactions as a client believes them, by the rules of the protocol guide. Of a message
// that was there before the client began it knows what it was told since, and is not sure of the
// rest: whoever compares, compares what it is sure of.

export const EMOJI = ['👍', '❤️', '🎉', '👀'];

const isCount = (count) => Number.isSafeInteger(count) && count >= 0;

export class Reactions {
  /** `isWhole`: all of them are known, because nobody can have reacted unheard. */
  constructor(isWhole) {
    this.isWhole = isWhole;
    this.entries = new Map(); /* emoji: {count, me}, in the order the client shows; me undefined: not sure */
  }

  /** Has the client's user reacted like this? Undefined when it cannot know. */
  me(emoji) {
    if (this.entries.has(emoji)) return this.entries.get(emoji).me;
    return this.isWhole ? false : undefined;
  }

  counts() {
    return [...this.entries].map(([emoji, { count }]) => [emoji, count]);
  }

  /** What a message event makes of them. `complain(text)` hears of what no event may say. */
  replacedBy({ reactions, reacted = [] }, ownId, complain) {
    const next = new Reactions(true);
    for (const it of reactions ?? [{}]) {
      if (!isCount(it.count) || it.count === 0 || next.entries.has(it.emoji)) complain(`reactions ${JSON.stringify(reactions)}`);
      if ('me' in it) complain(`an event says who "me" is: ${JSON.stringify(reactions)}`);
      next.entries.set(it.emoji, { count: it.count, me: this.me(it.emoji) });
    }
    for (const it of reacted) next.takeReacted(it, ownId, complain);
    return next;
  }

  takeReacted({ user_id: userId, emoji, is_removed: isRemoved = false }, ownId, complain) {
    const entry = this.entries.get(emoji);
    if (!entry && !isRemoved) complain(`${userId} has reacted with ${emoji}, of which there are none`);
    if (entry && userId === ownId) entry.me = !isRemoved;
  }

  /** reaction.add and reaction.remove: every one of them is heard, so each counts one up or down. */
  change({ emoji, count, user_id: userId }, isRemoval, ownId, complain) {
    const entry = this.entries.get(emoji);
    const before = entry || this.isWhole ? (entry?.count ?? 0) : undefined;
    const shall = before === undefined ? undefined : before + (isRemoval ? -1 : 1);
    if (!isCount(count) || (!isRemoval && count === 0)) complain(`${emoji} counts ${count}`);
    if (shall !== undefined && count !== shall) complain(`${emoji} counts ${count} after ${before}`);
    if (count === 0) return void this.entries.delete(emoji);
    const me = userId === ownId ? !isRemoval : this.me(emoji);
    if (entry) Object.assign(entry, { count, me });
    else this.entries.set(emoji, { count, me });
  }
}
