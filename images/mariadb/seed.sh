#!/bin/sh
# Makes the seed of MariaDB $1, when the image is built, or before the first local server of a version.
# shellcheck disable=SC2034,SC2154  # mysql_family.sh sets and uses the variables
set -eu
home=${HARNESS_HOME:-/srv/harness}
parts=${HARNESS_PARTS:-/opt/harness}
data=$home/data
# shellcheck source=/dev/null
. "$parts/mysql_family.sh"

case $(mariadbd --version) in
*" Ver $1."*) ;;
*)
    echo "MariaDB $1 is wanted, and the image has: $(mariadbd --version)" >&2
    exit 1
    ;;
esac

ask() {
    mariadb --no-defaults --skip-ssl --socket="$socket" --user=root mysql
}

prepare
# The smallest redo log: every start copies the seed.
size=--innodb-log-file-size=4M
(exec_with_settings mariadb-install-db "$size" --skip-log-bin --skip-test-db --auth-root-authentication-method=normal)
exec_with_settings mariadbd "$size" --innodb-fast-shutdown=0 --skip-networking &
server=$!
until ask </dev/null 2>/dev/null; do
    kill -0 "$server"
    sleep 0.1
done

# Nothing of this is in the binary log: a replica has it from its own seed. Accounts without a name would stand before
# a run's user on this machine.
{
    echo "SET sql_log_bin = 0;"
    mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2>/dev/null || true
    echo "DELETE FROM mysql.global_priv WHERE user = '' OR host <> 'localhost';"
    echo "DELETE FROM mysql.proxies_priv WHERE host <> 'localhost';"
    echo "FLUSH PRIVILEGES;"
    echo "RESET MASTER;"
} | ask

kill -TERM "$server"
wait "$server"
rm -rf "$home"/binlog/*
