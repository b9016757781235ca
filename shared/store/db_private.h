/* SPDX-License-Identifier: MIT */
#ifndef SHARED_STORE_DB_PRIVATE_H
#define SHARED_STORE_DB_PRIVATE_H

/* What the files of the database layer share: parameters as libpq wants them, rows as shapes. */

#include <libpq-fe.h>

#include "shared/base/arena.h"
#include "shared/store/db.h"

enum { DB_PARAMS_MAX = 64, DB_CELLS_MAX = 64, DB_NAME_MAX = 64 };

struct db_values {
    const char *text[DB_PARAMS_MAX];
    int length[DB_PARAMS_MAX];
    int format[DB_PARAMS_MAX]; /* 0 text, 1 binary */
    int n;
};

/* Fills v; what needs memory lives in a. */
void db_values_fill(struct arena *a, struct params p, struct db_values *v);

/* Which column of a result fills which field of a shape. An object may come as one JSON column or,
 * for less work at both ends, as a column for each of its fields, named "author.id"; it is null
 * when the first of them is. */
struct db_cell {
    const struct field *field;
    short column;
    short within;    /* the cell of the object it is a field of; -1: the row itself */
    bool is_columns; /* an object whose fields have cells */
};
struct db_plan {
    const struct shape *shape;
    struct db_cell *cells; /* an object's before those of its fields; free(3) */
    short count;
};
/* plan: zeroed, or made before. */
void db_plan_make(const struct shape *sh, const PGresult *res, struct db_plan *plan);

/* Fill one zeroed struct from one row. False when the database's text does not fit the shape: that
 * is our mistake, never the client's. */
MUST_CHECK bool db_row_fill(struct arena *a, const struct db_plan *plan, const PGresult *res,
                            int row, void *ret);

#endif
