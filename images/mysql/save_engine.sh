# MySQL's part of save.sh, which reads this file. What it has in common with MariaDB is in mysql_family_save.sh.
# shellcheck shell=sh disable=SC2034,SC2154  # save.sh and server.sh set and use the variables
# shellcheck source=/dev/null
. "$parts/mysql_family_save.sh"

dump() {
    mysqldump --no-defaults --socket="$socket" --user=root --set-gtid-purged=OFF --column-statistics=0 "$@"
}

changed_users="SELECT CONCAT('changed user ', user) FROM mysql.user WHERE password_last_changed > @since ORDER BY 1;"
users_made="(SELECT password_last_changed FROM mysql.user WHERE user = '$replicator')"
reset_logs="RESET BINARY LOGS AND GTIDS"
case $(mysqld --version) in
*" Ver 8."[01].*) reset_logs="RESET MASTER" ;;
esac

# The smallest redo log, and nothing left to be done at the next start.
before_end="SET GLOBAL innodb_fast_shutdown = 0; SET GLOBAL innodb_redo_log_capacity = 8388608;"

await_smallest_log() {
    tries=0
    while [ "$tries" -lt 100 ] && echo "SHOW STATUS LIKE 'Innodb_redo_log_resize_status';" | ask | grep -q 'Resizing\|Requesting'; do
        tries=$((tries + 1))
        sleep 0.05
    done
}
