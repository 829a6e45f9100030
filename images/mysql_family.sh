# The part of entry.sh that MySQL and MariaDB have in common. Each one's server.sh reads this file, and defines:
#
#   ask                         runs the statements on standard input, so that no password is in the process list
#   limit_privileges ACCOUNT    prints the statements that take privileges from an account that has all
# shellcheck shell=sh disable=SC2034,SC2154  # entry.sh sets and uses the variables
socket=/srv/harness/mysqld.sock

# Every DDL statement waits for the disk, whatever the settings say: where the container has a folder in memory, the data
# is there. Holes stay holes: half of the seed is zeros.
move_to_memory() {
    data=$memory/data
    if ! cp -a --sparse=always "$seed" "$data"; then
        echo "harness: the seed does not fit into the memory that it was given: $(df -h "$memory" | tail -n 1)" >&2
        exit 1
    fi
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
    until [ -s /srv/harness/mysqld.pid ]; do
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
            printf '%s\n' "CREATE USER $account IDENTIFIED BY $password;" \
                "GRANT ALL PRIVILEGES ON *.* TO $account WITH GRANT OPTION;"
            limit_privileges "$account"
        done
        echo "CREATE USER '$replicator'@'%' IDENTIFIED BY $password;"
        echo "GRANT REPLICATION SLAVE ON *.* TO '$replicator'@'%';"
    } | ask
}

await_replicator() {
    until [ -e /srv/harness/users ]; do
        echo "SELECT user FROM mysql.user WHERE user = '$replicator';"
        sleep 0.01
    done | ask | { read -r _ && : >/srv/harness/users; }
}
