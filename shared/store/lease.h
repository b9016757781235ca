/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_LEASE_H
#define SHARED_STORE_LEASE_H

#include "shared/base/err.h"
#include "shared/base/macros.h"
#include "shared/store/db.h"

/* The worker number inside this process's snowflakes, leased so that no two processes share one:
 * a PostgreSQL advisory lock held on a connection of its own. The server drops the lock when the
 * process or the connection dies; no clock is involved. While the lease is lost snowflake_next()
 * gives 0 and writes answer ERR_UNAVAILABLE. */
struct lease;

MUST_CHECK enum err lease_start(const struct db_settings *s, struct lease **ret);
bool lease_is_held(const struct lease *l);
void lease_stop(struct lease *l);

#endif
