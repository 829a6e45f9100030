# MariaDB's part of save.sh, which reads this file. What it has in common with MySQL is in mysql_family_save.sh.
# shellcheck shell=sh disable=SC2034,SC2154  # save.sh and server.sh set and use the variables
# shellcheck source=/dev/null
. "$parts/mysql_family_save.sh"

dump() {
    mariadb-dump --no-defaults --skip-ssl --socket="$socket" --user=root "$@"
}

changed_users="SELECT CONCAT('changed user ', user) FROM mysql.global_priv
    WHERE FROM_UNIXTIME(JSON_VALUE(priv, '\$.password_last_changed')) > @since ORDER BY 1;"
users_made="(SELECT FROM_UNIXTIME(JSON_VALUE(priv, '\$.password_last_changed')) FROM mysql.global_priv
    WHERE user = '$replicator')"
reset_logs="RESET MASTER"
before_end="SET GLOBAL innodb_fast_shutdown = 0; SET GLOBAL innodb_log_file_size = 16777216;"

await_smallest_log() {
    :
}
