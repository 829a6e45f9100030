#!/bin/sh
# PID 1 of a server: starts postgres on the seed, sees the run's roles made, hands signals on, ends with postgres's status.
#
#   HARNESS_ROLE       primary or replica
#   HARNESS_PASSWORD   of every role
#   HARNESS_USERS      primary: its superusers, one a line
#   HARNESS_PRIMARY    replica: the host that it streams from
#   HARNESS_HELD       1: whoever started the container holds its standard input open. Its end is the end of the server
#                      too, so none outlives a run that was killed. A replica turns to its primary when a first line says
#                      that it serves: before, its name would be asked of other name servers, and its password be wrong.
# shellcheck disable=SC2329  # most functions are called by a name that is put together
set -eu
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
seed=/srv/harness/data
memory=/srv/harness/memory
data=$seed
replicator=harness_replication
server=

# Databases are made, flushed and dropped all the time, each of hundreds of files, and a disk's journal is what that waits
# for: where the container has a folder in memory, they are made there. The seed's own databases and the WAL, which are
# most of its bytes, stay where they are.
move_to_memory() {
    data=$memory/data
    mkdir -m 700 "$data" "$data/base"
    ln -s "$seed"/base/* "$data/base/"
    ln -s "$seed/pg_wal" "$data/pg_wal"
    set --
    for entry in "$seed"/*; do
        case ${entry##*/} in base | pg_wal) ;; *) set -- "$@" "$entry" ;; esac
    done
    cp -a "$@" "$data/"
}

stop() {
    kill -INT "$server" 2>/dev/null || true
}

start_primary() {
    postgres -D "$data" </dev/null &
    server=$!
}

start_replica() {
    touch "$data/standby.signal"
    start_primary
}

# The last line of the postmaster's pid file is its state; to read it costs less than to ask by a client.
await_server() {
    while kill -0 "$server" 2>/dev/null; do
        state=
        while read -r line; do state=$line; done 2>/dev/null <"$data/postmaster.pid" || true
        case $state in ready* | standby*) return 0 ;; esac
        sleep 0.01
    done
    return 1
}

# A file keeps the password out of the process list, the settings and the log.
turn_to_primary() {
    (umask 077 && echo "*:*:*:$replicator:$HARNESS_PASSWORD" >/srv/harness/passfile)
    conninfo="host=$HARNESS_PRIMARY user=$replicator passfile=/srv/harness/passfile application_name=$(hostname)"
    if [ "${HARNESS_HELD:-}" = 1 ]; then
        read -r _ || return 0
    fi
    echo "primary_conninfo = '$conninfo sslmode=disable'" >>"$data/postgresql.auto.conf"
    # sooner, the signal would end it
    await_server && kill -HUP "$server"
}

# Statements with the password in them stay out of the log even if they fail.
ask() {
    PGOPTIONS='-c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1' \
        psql -X -q -v ON_ERROR_STOP=1 -v replicator="$replicator" -h /tmp -U postgres -d postgres
}

# All in one transaction: whoever sees the replicator sees every role. The password is as long as a key, so that deriving one
# from it thousands of times over, at each connection, would protect nothing.
await_roles_primary() {
    ask <<'SQL'
\getenv password HARNESS_PASSWORD
\getenv users HARNESS_USERS
SELECT set_config(name, '1', false) FROM pg_settings WHERE name = 'scram_iterations' \g /dev/null
BEGIN;
SELECT format('CREATE ROLE %I LOGIN REPLICATION PASSWORD %L', :'replicator', :'password') \gexec
SELECT format('CREATE ROLE %I', name) FROM unnest(string_to_array(:'users', E'\n')) AS name
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('ALTER ROLE %I LOGIN SUPERUSER PASSWORD %L', name, :'password')
    FROM unnest(string_to_array(:'users', E'\n')) AS name \gexec
COMMIT;
SQL
}

# The roles come by replication and in no other way: a replica that has them streams.
await_roles_replica() {
    ask <<'SQL'
SELECT format($loop$DO $$BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %L) LOOP PERFORM pg_sleep(0.005); END LOOP;
END$$$loop$, :'replicator') \gexec
SQL
}

announce() {
    if await_server && "await_roles_$HARNESS_ROLE"; then
        echo "harness: ready"
    else
        echo "harness: the server ended, or its roles could not be made" >&2
        kill -TERM $$
    fi
}

hold() {
    if [ "$HARNESS_ROLE" = replica ]; then
        turn_to_primary
    fi
    if [ "${HARNESS_HELD:-}" = 1 ]; then
        cat >/dev/null
        kill -TERM $$
    fi
}

trap stop TERM INT
if [ -d "$memory" ]; then
    move_to_memory
fi
"start_$HARNESS_ROLE"
announce &
exec 3<&0
hold <&3 &

# A signal ends the wait and not the server: wait again for the status that counts.
status=0
wait "$server" || status=$?
while kill -0 "$server" 2>/dev/null; do
    status=0
    wait "$server" || status=$?
done
exit "$status"
