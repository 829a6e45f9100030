# The part of entry.sh that MySQL and MariaDB have in common, and of seed.sh. Each one's server.sh reads this file, and defines:
#
#   ask                         runs the statements on standard input, so that no password is in the process list
#   limit_privileges ACCOUNT    prints the statements that take privileges from an account that has all
# shellcheck shell=sh disable=SC2034,SC2154  # entry.sh sets and uses the variables
socket=$home/mysqld.sock
port=${HARNESS_PORT:-3306}

# Runs the program $1 in place of this shell, with the settings and with the places of this server. On this machine, the
# system's own configuration is for the system's own server.
exec_with_settings() {
    program=$1
    shift
    settings=--defaults-extra-file=$parts/my.cnf
    if [ -n "${HARNESS_HOME:-}" ]; then
        settings=--defaults-file=$parts/my.cnf
    fi
    # shellcheck disable=SC2086  # none, or several
    exec "$program" "$settings" ${HARNESS_OPTIONS:-} --datadir="$data" --socket="$socket" --pid-file="$home/mysqld.pid" \
        --log-bin="$home/binlog/binlog" --relay-log="$home/binlog/relay" "$@"
}

prepare() {
    [ -d "$home/binlog" ] || mkdir -m 750 "$home/binlog"
}

# Every DDL statement waits for the disk, whatever the settings say: where the container has a folder in memory, the data
# is there. Holes stay holes: half of the seed is zeros.
move_to_memory() {
    data=$memory/data
    if ! cp -a --sparse=always "$seed" "$data"; then
        echo "harness: the seed does not fit into the memory that it was given: $(df -h "$memory" | tail -n 1)" >&2
        exit 1
    fi
}

settle() {
    :
}

# The data is not needed afterwards, and a shutdown takes a second.
stop() {
    kill -KILL "$server" 2>/dev/null || true
    exit 0
}

# The number of this server: a replica's comes from its name, so that no two replicas of a primary have the same.
server_id() {
    if is_replica; then
        sum=$(printf %s "$host" | cksum)
        echo $((${sum%% *} % 4294967290 + 2))
    else
        echo 1
    fi
}

# The pid file appears when the socket listens: a client that connects then is served as soon as the server is up.
await_server() {
    until [ -s "$home/mysqld.pid" ]; do
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.01
    done
}

quote() {
    printf "'%s'" "$(printf %s "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g")"
}

make_accounts() {
    password=$(quote "$HARNESS_PASSWORD")
    {
        printf '%s\n' "$HARNESS_USERS" | while IFS= read -r user; do
            account="$(quote "$user")@'%'"
            # echo would take the backslashes of a name for its own
            printf '%s\n' "CREATE USER IF NOT EXISTS $account IDENTIFIED BY $password;" \
                "GRANT ALL PRIVILEGES ON *.* TO $account WITH GRANT OPTION;"
            limit_privileges "$account"
        done
        echo "CREATE USER '$replicator'@'%' IDENTIFIED BY $password;"
        echo "GRANT REPLICATION SLAVE ON *.* TO '$replicator'@'%';"
    } | ask
}

await_replicator() {
    until [ -e "$home/users" ]; do
        echo "SELECT user FROM mysql.user WHERE user = '$replicator';"
        sleep 0.01
    done | ask | { read -r _ && : >"$home/users"; }
}

find_server() {
    { read -r server <"$home/mysqld.pid"; } 2>/dev/null && kill -0 "$server" 2>/dev/null
}

# What a server has not written is lost if it is killed.
patience_s=20
end_cleanly() {
    kill -TERM "$server"
}

end_at_once() {
    kill -KILL "$server"
    rm -f "$home/mysqld.pid"
}

is_up() {
    find_server && echo "DO 0;" | ask 2>/dev/null
}

welcome() {
    follow_again
}

# A replica does not begin by itself when it starts. A server that was promoted has no line, and no primary.
follow_again() {
    if is_replica && [ ! -e "$home/cut_off" ] && [ -n "$(echo "SHOW REPLICA STATUS;" | ask)" ]; then
        echo "START REPLICA;" | ask
    fi
}

has_applied_all() {
    echo "SHOW REPLICA STATUS;" | ask | grep -q "has read all relay log"
}

promote() {
    echo "STOP REPLICA IO_THREAD;" | ask
    await 10 has_applied_all || fail "the replica does not apply what it has received: SHOW REPLICA STATUS says why"
    echo "STOP REPLICA; RESET REPLICA ALL; SET GLOBAL read_only = OFF;" | ask
}

cut_off() {
    echo "STOP REPLICA IO_THREAD;" | ask
    : >"$home/cut_off"
}

reconnect() {
    rm -f "$home/cut_off"
    follow_again
}
