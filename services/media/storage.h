/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MEDIA_STORAGE_H
#define SERVICES_MEDIA_STORAGE_H

/* Where bytes lie: MEDIA_ROOT/tmp/<name> while they come in, MEDIA_ROOT/files/<xx>/<id> afterwards.
 * All copies of the service share the folder. Names are made by us alone; nothing a client says
 * ever becomes a path. */

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/domain/snowflake.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes the folders; dies when that fails. */
void storage_prepare(const char *root);

/* A new file to write to, or -1. */
int storage_create(const char *root, const char *temp);
void storage_discard(const char *root, const char *temp);

/* The finished file gets its place and both survive a crash of the machine. */
MUST_CHECK enum err storage_keep(const char *root, const char *temp, int fd, snowflake id);

/* Up to len bytes; how many, or -1. */
ssize_t storage_read(const char *root, snowflake id, int64_t offset, void *out, size_t len);

/* Gone already is fine. */
MUST_CHECK enum err storage_remove(const char *root, snowflake id);

/* Removes what was left in tmp and not written to for so long, at most `max` files. */
void storage_sweep(const char *root, int64_t older_than_s, size_t max);

#endif
