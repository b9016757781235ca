/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MESSAGING_EMOJI_H
#define SERVICES_MESSAGING_EMOJI_H

/* What counts as one emoji: the set Unicode recommends for general interchange (RGI, Unicode
 * Technical Standard 51), as the ICU on this machine knows it. */

#include <stdbool.h>

enum { EMOJI_SIZE = 128 }; /* bytes, more than any has */

/* Writes it fully qualified, so that one emoji has one spelling: U+2764 becomes U+2764 U+FE0F.
 * `text` is valid UTF-8. False: this is no emoji, or more than one. */
bool emoji_qualify(const char *text, char out[EMOJI_SIZE]);

#endif
