# The part of save.sh that MySQL and MariaDB have in common. Each one's save_engine.sh reads this file, and sets:
#
#   dump OPTION...   writes a dump
#   changed_users    the query for the users that have a password since @since, each a line 'changed user ...'
#   users_made       the time at which this start has made the users, as an expression
#   reset_logs       the statement that empties the binary log and the record of transactions
#   before_end       the statements before the server is ended
# shellcheck shell=sh disable=SC2034,SC2154  # save.sh and server.sh set and use the variables
tar_options=--sparse
own="'information_schema', 'performance_schema', 'mysql', 'sys'"

# MySQL keeps a table's times for a while, unless a session wants those of now.
fresh=$(echo "SHOW VARIABLES LIKE 'information_schema_stats_expiry';" | ask | sed -n 's/^\([a-z_]*\).*/SET SESSION \1 = 0;/p')

# A list of SQL's, of the names $@.
listed() {
    list=
    for name in "$@"; do
        list="$list${list:+, }$(quote "$name")"
    done
    echo "$list"
}

# Whether a schema is a clone of one of the templates $@.
is_clone() {
    conditions=0
    for name in "$@"; do
        conditions="$conditions OR (LEFT(schema_name, CHAR_LENGTH($(quote "$name")) + 1) = CONCAT($(quote "$name"), '_')
            AND SUBSTR(schema_name, CHAR_LENGTH($(quote "$name")) + 2) REGEXP '^[0-9]+\$')"
    done
    echo "(schema_name NOT IN ($(listed "$@")) AND ($conditions))"
}

# The times have no fraction of a second. A seed has clones that are older than the users.
state() {
    since=${1:-NULL}
    shift
    ask <<SQL
USE mysql;
SET SESSION group_concat_max_len = 1000000;
SELECT UNIX_TIMESTAMP();
$fresh
SELECT CONCAT_WS(' ', 'schema', schema_name, default_character_set_name, default_collation_name)
    FROM information_schema.schemata WHERE NOT $(is_clone "$@") ORDER BY schema_name;
SELECT CONCAT_WS(' ', 'user', grantee, GROUP_CONCAT(privilege_type, is_grantable ORDER BY privilege_type))
    FROM information_schema.user_privileges GROUP BY grantee ORDER BY grantee;
SELECT CONCAT_WS(' ', 'right', grantee, table_schema, privilege_type) FROM information_schema.schema_privileges
    JOIN information_schema.schemata ON schema_name = table_schema WHERE NOT $(is_clone "$@") ORDER BY 1;
SELECT CONCAT_WS(' ', 'tables', table_schema, COUNT(*)) FROM information_schema.tables
    WHERE table_schema IN ($(listed "$@")) GROUP BY table_schema ORDER BY table_schema;
SET @since = IFNULL(FROM_UNIXTIME($since), (
    SELECT MIN(create_time) FROM information_schema.tables JOIN information_schema.schemata ON schema_name = table_schema
    WHERE $(is_clone "$@") AND create_time >= $users_made));
SELECT CONCAT_WS(' ', 'changed table', table_schema, table_name) FROM information_schema.tables
    WHERE table_schema IN ($(listed "$@"))
    AND GREATEST(IFNULL(update_time, create_time), create_time) > @since ORDER BY 1;
SELECT CONCAT_WS(' ', 'changed schema', schema_name) FROM information_schema.schemata
    WHERE schema_name NOT IN ($own, $(listed "$@")) AND NOT $(is_clone "$@") ORDER BY 1;
$changed_users
SELECT CONCAT_WS(' ', 'routine', routine_schema, routine_name, last_altered) FROM information_schema.routines
    WHERE routine_schema IN ($(listed "$@")) ORDER BY 1;
SELECT CONCAT_WS(' ', 'trigger', trigger_schema, trigger_name, created) FROM information_schema.triggers
    WHERE trigger_schema IN ($(listed "$@")) ORDER BY 1;
SELECT CONCAT_WS(' ', 'view', table_schema, table_name, SHA2(view_definition, 256)) FROM information_schema.views
    WHERE table_schema IN ($(listed "$@")) ORDER BY 1;
SQL
}


remove_clones() {
    {
        echo "SELECT CONCAT('DROP DATABASE \`', REPLACE(schema_name, '\`', '\`\`'), '\`;') FROM information_schema.schemata"
        echo "WHERE $(is_clone "$@");"
    } | ask | ask
}

name() {
    printf "\`%s\`" "$(printf %s "$1" | sed "s/\`/\`\`/g")"
}

# The statements that copy the rows of the template $1 into the clone $2, or that give the checksums of the tables of $2.
for_each_table() {
    echo "SET SESSION group_concat_max_len = 4000000;"
    echo "SELECT CONCAT($3) FROM information_schema.tables AS t JOIN information_schema.columns AS c USING (table_schema, table_name)"
    echo "WHERE table_schema = $(quote "$1") AND table_type = 'BASE TABLE'"
    echo "AND IFNULL(generation_expression, '') = ''"
    echo "GROUP BY table_name ORDER BY table_name;"
}

quoted_sql() {
    printf "'\`', REPLACE(%s, '\`', '\`\`'), '\`'" "$1"
}

checksums() {
    columns="'CHECKSUM TABLE ', $(quoted_sql table_schema), '.', $(quoted_sql table_name), ';'"
    for_each_table "$1" "$1" "$columns" | ask | ask | sed 's/^.*	//'
}

structure() {
    dump --no-data --routines --events --triggers --no-tablespaces --skip-lock-tables --skip-comments "$1"
}

# The rows are copied by the server, which keeps each value as it is; a dump would round some.
make_clone() {
    template=$1 clone=$2
    odd=$(echo "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = $(quote "$template")
        AND table_type NOT IN ('BASE TABLE', 'VIEW');" | ask)
    [ "$odd" = 0 ] || return 1
    {
        echo "SELECT CONCAT('CREATE DATABASE $(name "$clone") CHARACTER SET ', default_character_set_name, ' COLLATE ',"
        echo "default_collation_name, ';') FROM information_schema.schemata WHERE schema_name = $(quote "$template");"
    } | ask | ask
    {
        echo "USE $(name "$clone");"
        dump --no-data --skip-triggers --no-tablespaces --skip-lock-tables --skip-comments "$template"
    } | ask
    column="GROUP_CONCAT($(quoted_concat column_name) ORDER BY ordinal_position)"
    rows="'INSERT INTO $(name "$clone").', $(quoted_sql table_name), ' (', $column, ') SELECT ', $column, ' FROM ',
        $(quoted_sql table_schema), '.', $(quoted_sql table_name), ';'"
    {
        echo "SET SESSION foreign_key_checks = 0, unique_checks = 0, sql_mode = 'NO_AUTO_VALUE_ON_ZERO';"
        for_each_table "$template" "$clone" "$rows" | ask
    } | ask
    {
        echo "USE $(name "$clone");"
        dump --no-data --no-create-info --routines --events --triggers --no-tablespaces --skip-lock-tables --skip-comments \
            "$template"
    } | ask
    [ "$(structure "$template")" = "$(structure "$clone")" ] && [ "$(checksums "$template")" = "$(checksums "$clone")" ]
}

quoted_concat() {
    printf 'CONCAT(%s)' "$(quoted_sql "$1")"
}

# A program that the migrations made as this user works again as soon as the next run has made the user again.
remove_users() {
    {
        printf '%s\n' "$HARNESS_USERS" "$replicator" | while IFS= read -r user; do
            printf '%s\n' "DROP USER $(quote "$user")@'%';"
        done
        echo "$reset_logs;"
    } | ask
}

end_server() {
    read -r server <"$home/mysqld.pid"
    echo "$before_end" | ask
    await_smallest_log
    echo "SHUTDOWN;" | ask
    while kill -0 "$server" 2>/dev/null; do
        sleep 0.05
    done
}

# Each server makes its own.
trim() {
    rm -f "$data/auto.cnf"
}
