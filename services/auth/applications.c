/* SPDX-License-Identifier: MIT */
/* Applications: the tenants of an instance. A user belongs to exactly one, tokens and bus subjects
 * carry it, and whatever belongs to a user refers to both, so that no row can mix two of them. */

#include "services/auth/auth.h"
#include "shared/domain/limit.h"
#include "shared/domain/name.h"

struct application {
    snowflake id;
    const char *name;
    int64_t created_at;
};
static const struct field application_fields[] = {
    F_ID(application, id),
    F_STR(application, name),
    F_TIME(application, created_at),
};
SHAPE(application);

struct application_create_args {
    const char *name;
};
static const struct field application_create_args_fields[] = {
    F_STR(application_create_args, name, RANGE(1, LIMIT_API_KEY_NAME), FLAGS(FIELD_ONE_LINE)),
};
SHAPE(application_create_args);

struct application_list_args {
    snowflake after;
    int64_t limit;
};
static const struct field application_list_args_fields[] = {
    F_ID(application_list_args, after, OPTIONAL),
    F_INT(application_list_args, limit, RANGE(1, LIMIT_PAGE), OPTIONAL),
};
SHAPE(application_list_args);

STMT(application_insert,
     "INSERT INTO applications (id, name) VALUES ($1, $2) RETURNING id, name, created_at");

STMT(application_page,
     "SELECT id, name, created_at FROM applications WHERE id > $1 ORDER BY id LIMIT $2");

enum err application_create(struct req *rq, const struct application_create_args *in)
{
    const char *wrong = name_check_title(in->name, 1, LIMIT_API_KEY_NAME);
    if (wrong != NULL)
        return fail_field(rq, "name", wrong);
    snowflake id;
    TRY(new_id(rq, &id));
    struct application made;
    TRY(db_one(rq, &application_insert, PARAMS(P(id), P(in->name)), &application_shape, &made,
               ERR_INTERNAL));
    return reply(rq, &application_shape, &made);
}

enum err application_list(struct req *rq, const struct application_list_args *in)
{
    struct list page;
    TRY(db_many(rq, &application_page,
                PARAMS(P(in->after), P(in->limit > 0 ? in->limit : LIMIT_PAGE_DEFAULT)),
                &application_shape, &page));
    return reply_list(rq, &application_shape, &page);
}
