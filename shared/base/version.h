/* SPDX-License-Identifier: MIT */
#ifndef SHARED_BASE_VERSION_H
#define SHARED_BASE_VERSION_H

/* What GET /instance and the documents call this release (semver.org). */
#define PARLEY_VERSION "0.1.0"

#endif
