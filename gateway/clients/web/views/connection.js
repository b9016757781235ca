// SPDX-License-Identifier: MIT
// The line at the top: whether what one sees is live, what went wrong, and who one is.

import { $, announce } from '../dom.js';

const PROBLEM_MS = 10_000;
const TEXTS = {
  connecting: () => 'Connecting…',
  connected: () => 'Connected',
  waiting: (seconds) => `Connection lost; trying again in ${seconds} s`,
  stopped: () => '',
};

export function showConnection(app) {
  let state = { name: 'stopped' };
  let timer = null;

  app.socket.addEventListener('state', (e) => {
    const wasLost = state.name === 'waiting' || state.name === 'connecting';
    if (e.detail.name === 'waiting' && !wasLost) announce('The connection is lost.');
    if (e.detail.name === 'connected') announce('Connected.');
    state = e.detail;
    $('#connection').dataset.state = state.name;
    $('#connection-text').textContent = TEXTS[state.name](state.seconds);
    $('#connection-retry').hidden = state.name !== 'waiting';
  });
  app.addEventListener('problem', (e) => {
    clearTimeout(timer);
    $('#problem').textContent = e.detail;
    timer = setTimeout(() => {
      $('#problem').textContent = '';
    }, PROBLEM_MS);
  });
  app.store.on(['me'], () => {
    const { me } = app.store;
    $('#account-name').textContent = me ? me.display_name ?? me.username : '';
  });
  $('#connection-retry').addEventListener('click', () => app.socket.retryNow());
  $('#log-out').addEventListener('click', () => app.attempt(app.api.logOut()));
}
