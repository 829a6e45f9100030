#!/bin/sh
# Does the first start of an official PostgreSQL image: makes a cluster for POSTGRES_USER with POSTGRES_PASSWORD, starts
# a server that only this container reaches, makes POSTGRES_DB, stops it, and starts the one that serves.
set -eu
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
export PATH
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    password=$(mktemp)
    printf '%s\n' "$POSTGRES_PASSWORD" >"$password"
    initdb --pgdata="$PGDATA" --username="$user" --pwfile="$password" --locale=C.UTF-8
    rm "$password"
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
    pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses='' -p 5432" --wait start
    if [ "$database" != postgres ]; then
        echo 'CREATE DATABASE :"database"' |
            psql -v ON_ERROR_STOP=1 -v database="$database" --no-psqlrc --username="$user" --dbname=postgres
    fi
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
    echo "PostgreSQL init process complete; ready for start up."
fi
exec "$@"
