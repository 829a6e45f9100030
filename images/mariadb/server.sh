# MariaDB's part of entry.sh, which reads this file.
# shellcheck shell=sh disable=SC2034,SC2154  # entry.sh sets and uses the variables
# shellcheck source=/dev/null
. "$parts/mysql_family.sh"

# InnoDB's strict mode is not replicated: a table that a session made without it would stop the replica.
start() {
    set -- --server-id="$(server_id)"
    if is_replica; then
        set -- "$@" --read-only=ON --innodb-strict-mode=OFF
    fi
    exec_with_settings mariadbd --bind-address="$address" --port="$port" "$@" </dev/null &
    server=$!
}

ask() {
    mariadb --no-defaults --skip-ssl --socket="$socket" --user=root --batch --raw --skip-column-names --unbuffered
}

# A user with this privilege could write on a replica, which is read-only for the others.
limit_privileges() {
    printf '%s\n' "REVOKE READ ONLY ADMIN ON *.* FROM $1;"
}

make_users() {
    make_accounts
}

await_users() {
    await_replicator
}

follow_primary() {
    await_server || return 0
    ask <<SQL || kill -TERM $$
CHANGE MASTER TO
    MASTER_HOST = '$HARNESS_PRIMARY', MASTER_PORT = ${HARNESS_PRIMARY_PORT:-3306},
    MASTER_USER = '$replicator', MASTER_PASSWORD = $(quote "$HARNESS_PASSWORD"),
    MASTER_CONNECT_RETRY = 1, MASTER_SSL = 0, MASTER_USE_GTID = slave_pos;
START SLAVE;
SQL
}
