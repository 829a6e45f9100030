#!/bin/sh
# Makes the seed of MariaDB $1, when the image is built.
set -eu
socket=/srv/harness/mysqld.sock

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

mkdir -m 750 /srv/harness/binlog
# The smallest redo log: every start copies the seed.
set -- --defaults-extra-file=/opt/harness/my.cnf --innodb-log-file-size=4M
mariadb-install-db "$@" --skip-log-bin --skip-test-db --auth-root-authentication-method=normal
mariadbd "$@" --innodb-fast-shutdown=0 &
server=$!
until ask </dev/null 2>/dev/null; do
    kill -0 "$server"
    sleep 0.1
done

# Nothing of this is in the binary log: a replica has it from its own seed. Accounts without a name would stand before
# a run's user on this machine.
{
    echo "SET sql_log_bin = 0;"
    mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2>/dev/null
    echo "DELETE FROM mysql.global_priv WHERE user = '' OR host <> 'localhost';"
    echo "DELETE FROM mysql.proxies_priv WHERE host <> 'localhost';"
    echo "FLUSH PRIVILEGES;"
    echo "RESET MASTER;"
} | ask

kill -TERM "$server"
wait "$server"
rm -rf /srv/harness/binlog/*
