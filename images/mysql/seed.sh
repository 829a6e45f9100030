#!/bin/sh
# Makes the seed of MySQL $1, when the image is built, or before the first local server of a version.
# shellcheck disable=SC2034,SC2154  # mysql_family.sh sets and uses the variables
set -eu
home=${HARNESS_HOME:-/srv/harness}
parts=${HARNESS_PARTS:-/opt/harness}
data=$home/data
# shellcheck source=/dev/null
. "$parts/mysql_family.sh"

case $(mysqld --version) in
*" Ver $1"[.-]*) ;;
*)
    echo "MySQL $1 is wanted, and the image has: $(mysqld --version)" >&2
    exit 1
    ;;
esac

reset="RESET BINARY LOGS AND GTIDS"
case $(mysqld --version) in
*" Ver 8."[01].*) reset="RESET MASTER" ;;
esac

ask() {
    mysql --no-defaults --socket="$socket" --user=root mysql
}

prepare
# The smallest redo log: every start copies the seed.
set -- mysqld --innodb-redo-log-capacity=8M --innodb-fast-shutdown=0
(exec_with_settings "$@" --initialize-insecure)
exec_with_settings "$@" --skip-networking &
server=$!
until ask </dev/null 2>/dev/null; do
    kill -0 "$server"
    sleep 0.1
done

# Nothing of this is in the binary log: a replica has it from its own seed.
{
    echo "SET sql_log_bin = 0;"
    echo "START TRANSACTION;"
    mysql_tzinfo_to_sql /usr/share/zoneinfo 2>/dev/null || true
    echo "COMMIT;"
    echo "$reset;"
} | ask

kill -TERM "$server"
wait "$server"

# Each server makes its own.
rm -rf "$data/auto.cnf" "$home"/binlog/*
