/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_ERR_H
#define SHARED_BASE_ERR_H

/* One vocabulary of failure from SQL to client. A row of err.def is a status, a stable code, a text
 * and (its name in lower case) the problem type and the metrics label. */

enum err {
    OK = 0,
#define ERR(name, http, code, text) ERR_##name,
#include "shared/base/err.def"
#undef ERR
};

/* How many values enum err has, OK among them. */
#define ERR(name, http, code, text) +1
enum {
    ERR_COUNT = 1
#include "shared/base/err.def"
};
#undef ERR

int err_status(enum err e);
int err_code(enum err e);
const char *err_text(enum err e);
const char *err_name(enum err e); /* "unknown_channel"; "ok" for OK */

/* The reverse of err_name, for errors that arrive over the bus; unknown names are ERR_INTERNAL. */
enum err err_from_name(const char *name);

#endif
