#!/bin/bash
# SPDX-License-Identifier: MIT
# Gives every service's database role its password, before the migrations and again at every start,
# so that a changed password needs no hand. Reads PGHOST, PGUSER, PGPASSWORD, PGDATABASE and
# DATABASE_<SERVICE>_PASSWORD.
set -euo pipefail

for variable in $(compgen -e | grep '^DATABASE_[A-Z]*_PASSWORD$'); do
    service=${variable#DATABASE_}
    service=${service%_PASSWORD}
    psql -q -v ON_ERROR_STOP=1 -v role="parley_${service,,}" -v password="${!variable}" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" PASSWORD :'password';
SQL
done
