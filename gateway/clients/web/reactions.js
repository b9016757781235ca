// SPDX-License-Identifier: MIT
// What becomes of a message's reactions: [{emoji, count, me}], in the order of their first use.
// Answers say which are one's own (me). Events serve everybody and cannot: that is kept from what
// was known, and changed by what one did oneself, here or elsewhere.

/** A message.* event's message; known: what this page had of it, if anything. */
export function withOwn({ reacted = [], ...message }, known, myId) {
  const own = new Set(known?.reactions.filter((r) => r.me === true).map((r) => r.emoji));
  for (const { user_id: user, emoji, is_removed: isRemoved } of reacted) {
    if (user !== myId) continue;
    if (isRemoved === true) own.delete(emoji);
    else own.add(emoji);
  }
  return { ...message, reactions: message.reactions.map((r) => ({ ...r, me: own.has(r.emoji) })) };
}

/** The message after a reaction.add or reaction.remove event, which says how many there are now. */
export function withChange(message, { emoji, count, rev, user_id: user }, isAdded, myId) {
  const known = message.reactions.find((r) => r.emoji === emoji);
  const me = user === myId ? isAdded : known?.me === true;
  const now = { emoji, count, me };
  const all = known ? message.reactions.map((r) => (r === known ? now : r)) : [...message.reactions, now];
  return { ...message, rev, reactions: all.filter((r) => r.count > 0) };
}
