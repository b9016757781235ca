/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WALK_H
#define TESTS_WALK_H

/* Table tests, called once by each service's unit tests: every row of its contract is walked, so
 * that a mistake in a row nobody has written a test for fails all the same. */

#include "shared/service/service.h"

/* Rows, shapes, guards and events. public_subjects lists the rows with guard PUBLIC, in order,
 * separated by blanks: opening a door takes a second signature. */
void walk_contract(const struct service *s, const char *public_subjects);

/* Every statement linked into this binary prepares against the migrated schema, and has an index
 * for each table it looks into. `scanning` lists, separated by blanks, those that read a table
 * whole, because it stays small or a job wants all of it. */
void walk_statements(const struct service *s, const char *scanning);

/* Every guarded row refuses nobody and, where it guards a place or administration, a stranger
 * (somebody signed in who is nowhere a member), whatever the rest of the request is. */
void walk_strangers(const struct service *s, void *state);

#endif
