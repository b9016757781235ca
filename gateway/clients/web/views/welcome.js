// SPDX-License-Identifier: MIT
// Before one is signed in; and which of the two, this or the room, is shown.

import { $ } from '../dom.js';
import { onSubmit } from './form.js';

async function showInvitation(app) {
  const line = $('#welcome-invite');
  line.hidden = app.invite === null;
  if (app.invite === null) return;
  try {
    const { server, inviter } = await app.api.getPublic(`/invites/${app.invite}`);
    const who = inviter.display_name ?? inviter.username;
    line.textContent = `${who} invites you to ${server.name}. Log in or register to join.`;
  } catch (error) {
    line.textContent = `About your invite: ${error.message}`;
  }
}

export function showWelcome(app) {
  app.addEventListener('entered', ({ detail: isIn }) => {
    $('#welcome').hidden = isIn;
    $('#room').hidden = !isIn;
    if (isIn) return;
    $('#login').reset();
    $('#register').reset();
    $('#login').elements.login.focus();
    showInvitation(app);
  });
  onSubmit($('#login'), async ({ login = '', password = '' }) => {
    await app.api.logIn(login, password);
    app.enter();
  });
  onSubmit($('#register'), async ({ username = '', email = '', password = '' }) => {
    await app.api.register({ username, email, password });
    app.enter();
  });
}
