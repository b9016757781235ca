/* SPDX-License-Identifier: MIT */
#ifndef SHARED_DOMAIN_NAME_H
#define SHARED_DOMAIN_NAME_H

/* What may serve as a name. Usernames are ASCII, so that no two look alike, kept as typed and
 * unique whatever their case. Everything else people name keeps the characters they typed, trimmed,
 * without invisible ones. Checks return NULL when fine, else the text for the field's error. */

#include "shared/base/arena.h"

#include <stddef.h>

/* Letters, digits, "_", ".", "-"; begins and ends with a letter, a digit or "_"; no two dots. */
const char *name_check_username(const char *username);

/* One "@" between a plausible local part and a domain; only a delivery proves an address. */
const char *name_check_email(const char *email);

/* Names of servers, channels, roles, people: min to max code points after trimming, no control or
 * direction-changing characters. */
const char *name_check_title(const char *trimmed, size_t min, size_t max);

/* A copy without white space at either end. */
char *name_trim(struct arena *a, const char *name);

#endif
