/* SPDX-License-Identifier: MIT */
#ifndef SHARED_DOMAIN_APPLICATION_H
#define SHARED_DOMAIN_APPLICATION_H

/* Applications are an instance's tenants. This one is made by the first migration; who names none
 * means it. */
enum { APPLICATION_DEFAULT = 1 };

#endif
