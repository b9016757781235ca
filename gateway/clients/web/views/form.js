// SPDX-License-Identifier: MIT
// Forms: what the server says is wrong stands as text at the field it is about.

import { $, announce, h } from '../dom.js';

function mark(form, { field, message }) {
  const input = form.elements[field];
  if (!(input instanceof Element)) return false;
  const note = h('span', { class: 'field-problem', id: `${form.id}-${field}-problem` }, message);
  input.setAttribute('aria-invalid', 'true');
  input.setAttribute('aria-describedby', note.id);
  input.after(note);
  return true;
}

function clear(form) {
  form.querySelectorAll('.field-problem').forEach((note) => note.remove());
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid');
    input.removeAttribute('aria-describedby');
  }
  form.querySelector('.problem').textContent = '';
}

function show(form, error) {
  const homeless = (error.fields ?? []).filter((field) => !mark(form, field));
  const texts = homeless.map(({ field, message }) => `${field} ${message}`);
  const text = [error.message, ...texts].join('. ');
  form.querySelector('.problem').textContent = text;
  form.querySelector('[aria-invalid]')?.focus();
  announce(text);
}

function valuesOf(form) {
  const entries = [...new FormData(form)].filter(([, value]) => value !== '');
  return Object.fromEntries(entries);
}

/** submit(values) does it; what it throws is shown in the form. */
export function onSubmit(form, submit) {
  form.addEventListener('submit', async (e) => {
    e.preventDefault();
    const trigger = form.querySelector('button:not([type=button])');
    clear(form);
    trigger.disabled = true;
    try {
      await submit(valuesOf(form));
    } catch (error) {
      show(form, error);
    } finally {
      trigger.disabled = false;
    }
  });
}

function inputOf({ name, label, options, ...attributes }) {
  const input = options
    ? h('select', { name, ...attributes }, options.map(([value, text]) => h('option', { value }, text)))
    : h('input', { name, autocomplete: 'off', ...attributes });
  return h('label', {}, `${label} `, input);
}

/**
 * A dialog with some fields and one deed. submit(values) may return an element to show instead of
 * the fields; otherwise the dialog closes when it is done.
 */
export function openDialog({ title, text, fields = [], deed, submit }) {
  const dialog = $('#dialog');
  const close = h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const body = h('div', {}, text ? h('p', {}, text) : null, fields.map(inputOf));
  const form = h('form', { id: 'dialog-form', novalidate: true },
    h('h2', { id: 'dialog-title' }, title),
    body,
    h('p', { class: 'problem' }),
    h('p', { class: 'row' }, h('button', { class: 'primary' }, deed), close));
  onSubmit(form, async (values) => {
    const result = await submit(values);
    if (!(result instanceof Element)) {
      dialog.close();
      return;
    }
    body.replaceChildren(result);
    form.querySelector('.primary').remove();
    close.textContent = 'Close';
    result.querySelector('[autofocus]')?.focus();
  });
  dialog.replaceChildren(form);
  dialog.showModal();
}
