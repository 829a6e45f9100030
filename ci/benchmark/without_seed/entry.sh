#!/bin/sh
# A primary that makes its cluster when it starts, or a replica that takes a base backup of it; then like a seeded server.
# Reads the environment that images/entry.sh reads, and prints "harness: ready" when it accepts connections (a replica:
# when it streams).
set -eu
for folder in /usr/lib/postgresql/*/bin; do
    PATH=$PATH:$folder
done
# a server without a container has its folder in the environment, and the address of its own
data=${HARNESS_HOME:-/srv/harness}/data
parts=${HARNESS_PARTS:-/opt/harness}
sockets=${HARNESS_HOME:-/tmp}
port=${HARNESS_PORT:-5432}
if [ -d /srv/harness/memory ]; then
    data=/srv/harness/memory/data
fi
replicator=harness_replication
server=

ask() {
    psql -X -q -A -t -v ON_ERROR_STOP=1 -v replicator="$replicator" -h "$sockets" -p "$port" -U postgres -d postgres
}

# The last line of the pid file shows that the server accepts connections; a client would cost more.
start() {
    postgres -D "$data" -p "$port" -c listen_addresses="${HARNESS_ADDRESS:-*}" -c unix_socket_directories="$sockets" </dev/null &
    server=$!
    while kill -0 "$server" 2>/dev/null; do
        case $(tail -n 1 "$data/postmaster.pid" 2>/dev/null) in ready*) return 0 ;; esac
        sleep 0.01
    done
    return 1
}

start_primary() {
    # as images/postgres/seed.sh: without the wait for the disk, without checksums
    set -- --username=postgres --encoding=UTF8 --auth-local=trust --auth-host=scram-sha-256 --no-sync
    if initdb --help | grep -q -- --no-data-checksums; then
        set -- "$@" --no-data-checksums
    fi
    for locale in en_US.UTF-8 C.UTF-8 C; do
        ! initdb --pgdata="$data" --locale="$locale" "$@" >/dev/null || break
    done
    cat "$parts/postgresql.conf" >>"$data/postgresql.conf"
    cp "$parts/pg_hba.conf" "$data/pg_hba.conf"
    start
    ask <<'SQL'
\getenv password HARNESS_PASSWORD
\getenv users HARNESS_USERS
BEGIN;
SELECT format('CREATE ROLE %I LOGIN REPLICATION PASSWORD %L', :'replicator', :'password') \gexec
SELECT format('CREATE ROLE %I LOGIN SUPERUSER PASSWORD %L', name, :'password')
    FROM unnest(string_to_array(:'users', E'\n')) AS name \gexec
COMMIT;
SQL
}

start_replica() {
    read -r _ # the host writes a line when the primary accepts connections
    PGPASSWORD=$HARNESS_PASSWORD pg_basebackup --pgdata="$data" --host="$HARNESS_PRIMARY" --port="${HARNESS_PRIMARY_PORT:-5432}" \
        --username="$replicator" \
        --checkpoint=fast --wal-method=stream --no-sync --write-recovery-conf
    start
    until [ "$(echo 'SELECT status FROM pg_stat_wal_receiver' | ask)" = streaming ]; do
        sleep 0.01
    done
}

trap 'kill -INT "$server"' TERM INT
"start_$HARNESS_ROLE"
echo "harness: ready"
exec 3<&0
(cat <&3 >/dev/null && kill -TERM $$) &
wait "$server"
