#!/bin/sh
# Makes the seed of MySQL $1, when the image is built.
set -eu
socket=/srv/harness/mysqld.sock

case $(mysqld --version) in
*" Ver $1"[.-]*) ;;
*)
    echo "MySQL $1 is wanted, and the image has: $(mysqld --version)" >&2
    exit 1
    ;;
esac

ask() {
    mysql --no-defaults --socket="$socket" --user=root mysql
}

mkdir -m 750 /srv/harness/binlog
# The smallest redo log: every start copies the seed.
set -- --defaults-extra-file=/opt/harness/my.cnf --innodb-redo-log-capacity=8M --innodb-fast-shutdown=0
mysqld "$@" --initialize-insecure
mysqld "$@" &
server=$!
until ask </dev/null 2>/dev/null; do
    kill -0 "$server"
    sleep 0.1
done

# Nothing of this is in the binary log: a replica has it from its own seed.
{
    echo "SET sql_log_bin = 0;"
    echo "START TRANSACTION;"
    mysql_tzinfo_to_sql /usr/share/zoneinfo 2>/dev/null
    echo "COMMIT;"
    echo "RESET BINARY LOGS AND GTIDS;"
} | ask

kill -TERM "$server"
wait "$server"

# Each server makes its own.
rm -rf /srv/harness/data/auto.cnf /srv/harness/binlog/*
