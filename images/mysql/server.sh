# MySQL's part of entry.sh, which reads this file.
# shellcheck shell=sh disable=SC2034,SC2154  # entry.sh sets and uses the variables
# shellcheck source=/dev/null
. "$parts/mysql_family.sh"

follows_by_position() {
    [ "${HARNESS_REPLICATION:-}" = position ]
}

# InnoDB's strict mode is not replicated: a table that a session made without it would stop the replica.
start() {
    set -- --server-id="$(server_id)"
    if is_replica; then
        set -- "$@" --super-read-only=ON --innodb-strict-mode=OFF
    fi
    if follows_by_position; then
        set -- "$@" --gtid-mode=OFF --enforce-gtid-consistency=OFF
    fi
    exec_with_settings mysqld --bind-address="$address" --port="$port" "$@" </dev/null &
    server=$!
}

ask() {
    mysql --no-defaults --socket="$socket" --user=root --batch --raw --skip-column-names --unbuffered
}

limit_privileges() {
    :
}

make_users() {
    make_accounts && log_in
}

await_users() {
    await_replicator && log_in
}

# A first login with a password needs an encrypted connection, or RSA, which not every driver has. The server remembers it.
log_in() {
    echo "SELECT user FROM mysql.user WHERE host = '%' AND user <> '$replicator';" | ask | while IFS= read -r user; do
        MYSQL_PWD=$HARNESS_PASSWORD mysql --no-defaults --host="${HARNESS_ADDRESS:-127.0.0.1}" --port="$port" \
            --get-server-public-key --user="$user" \
            --execute="DO 0" </dev/null || exit 1
    done
}

# A server that was started again has forgotten the logins.
welcome() {
    log_in && follow_again
}

follow_primary() {
    await_server || return 0
    place="SOURCE_AUTO_POSITION = 1"
    if follows_by_position; then
        place="SOURCE_LOG_FILE = 'binlog.000001', SOURCE_LOG_POS = 4"
    fi
    ask <<SQL || kill -TERM $$
CHANGE REPLICATION SOURCE TO
    SOURCE_HOST = '$HARNESS_PRIMARY', SOURCE_PORT = ${HARNESS_PRIMARY_PORT:-3306},
    SOURCE_USER = '$replicator', SOURCE_PASSWORD = $(quote "$HARNESS_PASSWORD"),
    SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 0, SOURCE_SSL = 0, GET_SOURCE_PUBLIC_KEY = 1, $place;
START REPLICA;
SQL
}
