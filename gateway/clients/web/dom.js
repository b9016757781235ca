// SPDX-License-Identifier: MIT
// Building the page. Text only ever becomes text: nothing here or elsewhere parses HTML.

export function $(selector) {
  return document.querySelector(selector);
}

/** An element: h('button', { type: 'button', class: 'x', onclick: f }, 'text', child, ...). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function button(text, onclick, attributes = {}) {
  return h('button', { type: 'button', onclick, ...attributes }, text);
}

function arrange(parent, wanted) {
  const kept = new Set(wanted);
  for (const child of [...parent.children]) {
    if (!kept.has(child)) child.remove();
  }
  let at = parent.firstElementChild;
  for (const child of wanted) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
  }
}

/**
 * A list whose elements stay the same while their items do, so that focus, selection and scrolling
 * survive changes around them. make(item) builds one, again whenever sign(item) has changed.
 */
export class KeyedList {
  #parent;
  #make;
  #sign;
  #shown = new Map();

  constructor(parent, make, sign = JSON.stringify) {
    this.#parent = parent;
    this.#make = make;
    this.#sign = sign;
  }

  show(items, keyOf = (item) => item.id) {
    const next = new Map();
    for (const item of items) {
      const key = keyOf(item);
      const signature = this.#sign(item);
      const old = this.#shown.get(key);
      const isSame = old?.signature === signature;
      next.set(key, isSame ? old : { signature, element: this.#rebuilt(item, old) });
    }
    this.#shown = next;
    arrange(this.#parent, [...next.values()].map((entry) => entry.element));
  }

  element(key) {
    return this.#shown.get(key)?.element;
  }

  #rebuilt(item, old) {
    const element = this.#make(item);
    if (old?.element.contains(document.activeElement)) {
      const name = document.activeElement.dataset.focus;
      old.element.replaceWith(element);
      if (name) element.querySelector(`[data-focus="${name}"]`)?.focus();
    }
    return element;
  }
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

export function time(iso) {
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  const text = isToday ? TIME.format(date) : `${DAY.format(date)} ${TIME.format(date)}`;
  return h('time', { datetime: iso, title: EXACT.format(date) }, text);
}

/** For everybody who does not see what changed: the page's one live region. */
export function announce(text) {
  $('#live').textContent = text;
}
