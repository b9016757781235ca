/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_DB_PRIVATE_H
#define SHARED_STORE_DB_PRIVATE_H

/* What the files of the database layer share: parameters as libpq wants them, rows as shapes. */

#include <libpq-fe.h>

#include "shared/base/arena.h"
#include "shared/store/db.h"

enum { DB_PARAMS_MAX = 64, DB_COLUMNS_MAX = 64 };

struct db_values {
    const char *text[DB_PARAMS_MAX];
    int length[DB_PARAMS_MAX];
    int format[DB_PARAMS_MAX]; /* 0 text, 1 binary */
    int n;
};

/* Fills v; what needs memory lives in a. */
void db_values_fill(struct arena *a, struct params p, struct db_values *v);

/* Which column of a result fills which field of a shape; -1 for none. */
struct db_plan {
    const struct shape *shape;
    short column[DB_COLUMNS_MAX];
};
void db_plan_make(const struct shape *sh, const PGresult *res, struct db_plan *plan);

/* Fill one zeroed struct from one row. False when the database's text does not fit the shape: that
 * is our mistake, never the client's. */
MUST_CHECK bool db_row_fill(struct arena *a, const struct db_plan *plan, const PGresult *res,
                            int row, void *ret);

#endif
