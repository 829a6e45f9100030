# PostgreSQL's part of entry.sh, which reads this file.
# shellcheck shell=sh disable=SC2034,SC2154  # entry.sh sets and uses the variables
for folder in /usr/lib/postgresql/*/bin; do
    PATH=$PATH:$folder
done

# Databases are made, flushed and dropped all the time. Each has hundreds of files, and these operations wait for the disk's
# journal: where the container has a folder in memory, databases are made there. The seed's own databases and the WAL, which
# are most of its bytes, stay where they are.
move_to_memory() {
    data=$memory/data
    mkdir -m 700 "$data" "$data/base"
    ln -s "$seed"/base/* "$data/base/"
    ln -s "$seed/pg_wal" "$data/pg_wal"
    set --
    for file in "$seed"/*; do
        case ${file##*/} in base | pg_wal) ;; *) set -- "$@" "$file" ;; esac
    done
    cp -a "$@" "$data/"
}

# The WAL, as above.
settle() {
    if [ -d "$memory" ]; then
        mv "$data/pg_wal" "$home/wal"
        ln -s "$home/wal" "$data/pg_wal"
    fi
}

# The data is not needed afterwards. A container is removed with all that its server leaves; on this machine an immediate
# shutdown removes the shared memory.
stop() {
    if is_local; then
        kill -QUIT "$server" 2>/dev/null || true
    else
        kill -INT "$server" 2>/dev/null || true
    fi
}

prepare() {
    sockets=/tmp
    if is_local; then
        sockets=$home
    fi
    port=${HARNESS_PORT:-5432}
}

start() {
    if is_replica; then
        : >"$data/standby.signal"
        # a file keeps the password out of the process list, the settings and the log
        (umask 077 && echo "*:*:*:$replicator:$HARNESS_PASSWORD" >"$home/passfile")
    fi
    set -- -p "$port" -c listen_addresses="$address" -c unix_socket_directories="$sockets"
    if is_local; then # the WAL is in memory too
        set -- "$@" -c max_wal_size=256MB -c wal_keep_size=256MB
    fi
    [ -p "$home/started" ] || mkfifo "$home/started"
    exec 4<>"$home/started"
    postgres -D "$data" "$@" -c external_pid_file="$home/started" </dev/null 4>&- &
    server=$!
}

# The server writes its number into the pipe when it begins to open its databases, which takes some milliseconds. Before, each
# look at its state would be a process that takes time from it. Then the last line of its pid file is its state: reading it costs
# less than asking by a client. Each caller leaves a line in the pipe for the next one.
await_server() {
    read -r _ <&4 && echo >&4
    while kill -0 "$server" 2>/dev/null; do
        state=
        while read -r line; do state=$line; done 2>/dev/null <"$data/postmaster.pid" || true
        case $state in ready* | standby*) return 0 ;; esac
        sleep 0.004
    done
    return 1
}

follow_primary() {
    conninfo="host=$HARNESS_PRIMARY port=${HARNESS_PRIMARY_PORT:-5432} user=$replicator passfile=$home/passfile"
    conninfo="$conninfo application_name=$host"
    echo "primary_conninfo = '$conninfo sslmode=disable gssencmode=disable'" >>"$data/postgresql.auto.conf"
    # a signal before the server accepts connections would end it
    await_server && kill -HUP "$server"
}

# Statements with the password in them stay out of the log even if they fail.
ask() {
    PGOPTIONS='-c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1' \
        psql -X -q -v ON_ERROR_STOP=1 -v replicator="$replicator" -h "$sockets" -p "$port" -U postgres -d postgres
}

# One transaction, so that a client that sees the replicator sees every role. The password is as long as a key: deriving one
# from it thousands of times over, at each connection, would protect nothing.
make_users() {
    ask <<'SQL'
\getenv password HARNESS_PASSWORD
\getenv users HARNESS_USERS
SELECT set_config('scram_iterations', '1', false) WHERE current_setting('scram_iterations', true) IS NOT NULL \g /dev/null
BEGIN;
SELECT format('CREATE ROLE %I LOGIN REPLICATION PASSWORD %L', :'replicator', :'password')
UNION ALL SELECT format(
    '%s ROLE %I LOGIN SUPERUSER PASSWORD %L',
    CASE WHEN EXISTS (SELECT FROM pg_authid WHERE rolname = name) THEN 'ALTER' ELSE 'CREATE' END, name, :'password'
) FROM unnest(string_to_array(:'users', E'\n')) AS name \gexec
COMMIT;
SQL
}

await_users() {
    ask <<'SQL'
SELECT format($loop$DO $$BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_authid WHERE rolname = %L) LOOP PERFORM pg_sleep(0.001); END LOOP;
END$$$loop$, :'replicator') \gexec
SQL
}

find_server() {
    { read -r server <"$data/postmaster.pid"; } 2>/dev/null
}

# Its sessions are ended, and its replicas get what is in its WAL, for which it waits: one may be paused.
patience_s=2
end_cleanly() {
    kill -INT "$server"
}

end_at_once() {
    kill -QUIT "$server"
}

is_up() {
    state=
    while read -r line; do state=$line; done 2>/dev/null <"$data/postmaster.pid" || true
    case $state in ready* | standby*) return 0 ;; esac
    return 1
}

welcome() {
    :
}

promote() {
    echo 'SELECT pg_promote(true, 10) \g /dev/null' | ask
}

cut_off() {
    [ -e "$home/connected.conf" ] || cp "$data/postgresql.auto.conf" "$home/connected.conf"
    echo "primary_conninfo = ''" >>"$data/postgresql.auto.conf"
    kill -HUP "$server"
    ask <<'SQL'
SET statement_timeout = '10s';
DO $$BEGIN
    WHILE EXISTS (SELECT FROM pg_stat_wal_receiver) LOOP PERFORM pg_sleep(0.01); END LOOP;
END$$;
SQL
}

reconnect() {
    if [ -e "$home/connected.conf" ]; then
        cat "$home/connected.conf" >"$data/postgresql.auto.conf"
        rm "$home/connected.conf"
        kill -HUP "$server"
    fi
}
