// SPDX-License-Identifier: MIT
// The panel of the voice channel one talks in.

import { $ } from '../dom.js';

const CONNECTING = { connecting: ' (connecting…)', stuck: ' (cannot be reached)' };

function sentence(app) {
  const { store, voice } = app;
  const channel = store.findChannel(voice.channelId);
  const others = [...(store.rooms.get(voice.channelId)?.values() ?? [])]
    .filter((participant) => participant.user_id !== store.me?.id)
    .map(({ user_id: id }) =>
      store.nameOfId(channel?.server_id, id) + (CONNECTING[voice.stateOf(id)] ?? ''));
  const place = `Talking in ${channel?.name ?? 'a channel'}`;
  return others.length > 0 ? `${place} with ${others.join(', ')}` : `${place}, alone so far`;
}

function press(button, isOn) {
  button.setAttribute('aria-pressed', String(isOn));
}

export function showVoice(app) {
  const { voice, store } = app;

  function show() {
    $('#voice').hidden = voice.channelId === null;
    $('#voice-state').textContent = voice.channelId === null ? '' : sentence(app);
    press($('#voice-mute'), voice.isMuted);
    press($('#voice-deafen'), voice.isDeafened);
  }

  voice.addEventListener('change', show);
  store.on(['voice', 'channels', 'members'], show);
  $('#voice-mute').addEventListener('click', () => app.attempt(voice.setMuted(!voice.isMuted)));
  $('#voice-deafen').addEventListener('click', () => app.attempt(voice.setDeafened(!voice.isDeafened)));
  $('#voice-leave').addEventListener('click', () => app.attempt(voice.leave()));
}
