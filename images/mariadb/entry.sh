#!/bin/sh
# PID 1 of a server: starts mariadbd on the seed, sees the run's users made, hands signals on, ends with mariadbd's status.
#
#   HARNESS_ROLE       primary or replica
#   HARNESS_PASSWORD   of every user
#   HARNESS_USERS      primary: its users with all privileges, one a line
#   HARNESS_PRIMARY    replica: the host whose changes it applies
#   HARNESS_HELD       1: whoever started the container holds its standard input open. Its end is the end of the server
#                        too, so none outlives a run that was killed. A replica turns to its primary when a first line
#                        says that it serves: before, its name would be asked of other name servers, and a connection
#                        that is refused is tried again after a whole second only.
# shellcheck disable=SC2329  # most functions are called by a name that is put together
set -eu
seed=/srv/harness/data
memory=/srv/harness/memory
data=$seed
socket=/srv/harness/mysqld.sock
replicator=harness_replication
server=
read -r host </etc/hostname

# Every DDL statement waits for the disk, whatever the settings say: where the container has a folder in memory, the data
# is there. Holes stay holes: half of the seed is zeros.
move_to_memory() {
    data=$memory/data
    if ! cp -a --sparse=always "$seed" "$data"; then
        echo "harness: the seed does not fit into the memory that it was given: $(df -h "$memory" | tail -n 1)" >&2
        exit 1
    fi
}

# Nothing of it has to survive, and an orderly end takes a second.
stop() {
    kill -KILL "$server" 2>/dev/null || true
    exit 0
}

start() {
    mariadbd --defaults-extra-file=/opt/harness/my.cnf --datadir="$data" "$@" </dev/null &
    server=$!
}

start_primary() {
    start --server-id=1
}

# InnoDB's strict mode is no part of what a replica is told: a table that a session made without it would stop the replica.
start_replica() {
    start --server-id="$(server_id)" --read-only=ON --innodb-strict-mode=OFF
}

# One for each replica of a primary, by its name.
server_id() {
    sum=$(printf %s "$host" | cksum)
    echo $((${sum%% *} % 4294967290 + 2))
}

# The pid file comes when the socket listens: who connects is served as soon as the server is up.
await_server() {
    until [ -s /srv/harness/mysqld.pid ]; do
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.01
    done
}

# Statements come on standard input, so that no password is in the process list.
ask() {
    mariadb --no-defaults --skip-ssl --socket="$socket" --user=root --batch --raw --skip-column-names --unbuffered
}

quote() {
    printf "'%s'" "$(printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"
}

turn_to_primary() {
    await_server || return 0
    if [ "${HARNESS_HELD:-}" = 1 ]; then
        read -r _ || return 0
    fi
    ask <<SQL || kill -TERM $$
CHANGE MASTER TO
    MASTER_HOST = '$HARNESS_PRIMARY', MASTER_USER = '$replicator', MASTER_PASSWORD = $(quote "$HARNESS_PASSWORD"),
    MASTER_CONNECT_RETRY = 1, MASTER_SSL = 0, MASTER_USE_GTID = slave_pos;
START SLAVE;
SQL
}

# All privileges but the one to write on a server that is read-only, so that a replica is so for them too. The replicator
# comes last: whoever sees it sees every user, as it is to be.
await_users_primary() {
    password=$(quote "$HARNESS_PASSWORD")
    {
        printf '%s\n' "$HARNESS_USERS" | while IFS= read -r user; do
            account="$(quote "$user")@'%'"
            printf '%s\n' "CREATE USER $account IDENTIFIED BY $password;" \
                "GRANT ALL PRIVILEGES ON *.* TO $account WITH GRANT OPTION;" \
                "REVOKE READ ONLY ADMIN ON *.* FROM $account;"
        done
        echo "CREATE USER '$replicator'@'%' IDENTIFIED BY $password;"
        echo "GRANT REPLICATION SLAVE ON *.* TO '$replicator'@'%';"
    } | ask
}

# The users come by replication and in no other way: a replica that has them applies what its primary sends.
await_users_replica() {
    until [ -e /srv/harness/users ]; do
        echo "SELECT user FROM mysql.user WHERE user = '$replicator';"
        sleep 0.01
    done | ask | { read -r _ && : >/srv/harness/users; }
}

announce() {
    if await_server && "await_users_$HARNESS_ROLE"; then
        echo "harness: ready"
    else
        echo "harness: the server ended, or its users could not be made" >&2
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

status=0
wait "$server" || status=$?
exit "$status"
