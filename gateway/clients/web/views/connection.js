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
  let problem = '';
  let timer = null;

  function show() {
    const text = problem || TEXTS[state.name](state.seconds);
    $('#connection').dataset.state = problem ? 'problem' : state.name;
    $('#connection-text').textContent = text;
    $('#connection-retry').hidden = state.name !== 'waiting';
  }

  app.socket.addEventListener('state', (e) => {
    const wasLost = state.name === 'waiting' || state.name === 'connecting';
    if (e.detail.name === 'waiting' && !wasLost) announce('The connection is lost.');
    if (e.detail.name === 'connected') announce('Connected.');
    state = e.detail;
    show();
  });
  app.addEventListener('problem', (e) => {
    clearTimeout(timer);
    problem = e.detail;
    timer = setTimeout(() => {
      problem = '';
      show();
    }, PROBLEM_MS);
    show();
  });
  app.store.on(['me'], () => {
    const { me } = app.store;
    $('#account-name').textContent = me ? me.display_name ?? me.username : '';
  });
  $('#connection-retry').addEventListener('click', () => app.socket.retryNow());
  $('#log-out').addEventListener('click', () => app.attempt(app.api.logOut()));
}
