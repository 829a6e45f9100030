# PostgreSQL's part of save.sh, which reads this file.
# shellcheck shell=sh disable=SC2034,SC2154  # save.sh and server.sh set and use the variables

# Runs the statements on standard input, with the names of the templates in the setting harness.names. It makes no object, not
# even a temporary one: the rows of the catalogue count as written.
ask_about() {
    SAVED_NAMES=$(printf '%s\n' "$@")
    export SAVED_NAMES
    {
        cat <<'SQL'
\pset format unaligned
\pset tuples_only
\getenv names SAVED_NAMES
SELECT set_config('harness.names', :'names', false) \g /dev/null
SQL
        cat
    } | ask
}

# Written rows count by database: those of the templates, and of the databases that every server has. A session adds its own when
# it ends, so nothing is known while there is one. The first clone is that of this run: a seed has clones that are older than the
# users, which each start makes.
state() {
    shift
    ask_about "$@" <<'SQL'
SELECT extract(epoch FROM now());
SELECT 'busy' FROM pg_stat_activity WHERE datname = ANY(string_to_array(current_setting('harness.names'), E'\n'));
WITH templates AS (SELECT unnest(string_to_array(current_setting('harness.names'), E'\n')) AS template),
clones AS (
    SELECT oid FROM pg_database, templates WHERE datname NOT IN (SELECT template FROM templates)
    AND left(datname, length(template) + 1) = template || '_' AND substr(datname, length(template) + 2) ~ '^[0-9]+$'
)
SELECT concat_ws(' ', 'database', datname, pg_get_userbyid(datdba), datacl, datconnlimit, shobj_description(oid, 'pg_database'))
    FROM pg_database WHERE oid NOT IN (SELECT oid FROM clones)
UNION ALL SELECT concat_ws(' ', 'role', rolname, md5(pg_authid::text)) FROM pg_authid
UNION ALL SELECT concat_ws(' ', 'member', roleid, member) FROM pg_auth_members
UNION ALL SELECT concat_ws(' ', 'setting', setdatabase, setrole, setconfig) FROM pg_db_role_setting
    WHERE setdatabase NOT IN (SELECT oid FROM clones)
UNION ALL SELECT concat_ws(' ', 'tablespace', spcname) FROM pg_tablespace
UNION ALL SELECT concat_ws(' ', 'slot', slot_name) FROM pg_replication_slots
UNION ALL SELECT concat_ws(' ', 'subscription', subname) FROM pg_subscription
UNION ALL SELECT concat_ws(' ', 'prepared', gid) FROM pg_prepared_xacts
UNION ALL SELECT concat_ws(' ', 'configuration', md5(pg_read_file('postgresql.auto.conf')))
UNION ALL SELECT concat_ws(' ', 'written', datname, tup_inserted, tup_updated, tup_deleted) FROM pg_stat_database
    WHERE datname IN ('postgres', 'template1') OR datname IN (SELECT template FROM templates)
UNION ALL SELECT concat_ws(' ', 'changed', kind, name) FROM (
    SELECT 'role' AS kind, rolname::text AS name, age(xmin) AS age FROM pg_authid
    UNION ALL SELECT 'database', datname, age(xmin) FROM pg_database WHERE oid NOT IN (SELECT oid FROM clones)
    UNION ALL SELECT 'member', member::text, age(xmin) FROM pg_auth_members
    UNION ALL SELECT 'setting', setconfig::text, age(xmin) FROM pg_db_role_setting
        WHERE setdatabase NOT IN (SELECT oid FROM clones)
) AS each WHERE age < (
    SELECT max(age(xmin)) FROM pg_database WHERE oid IN (SELECT oid FROM clones)
    AND age(xmin) < (SELECT age(xmin) FROM pg_authid WHERE rolname = :'replicator')
)
ORDER BY 1;
SQL
}

remove_clones() {
    ask_about "$@" <<'SQL'
WITH templates AS (SELECT unnest(string_to_array(current_setting('harness.names'), E'\n')) AS template)
SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database, templates
    WHERE datname NOT IN (SELECT template FROM templates)
    AND left(datname, length(template) + 1) = template || '_' AND substr(datname, length(template) + 2) ~ '^[0-9]+$' \gexec
SQL
}

# The server copies what is in the database. What is beside it, and may differ, is written by the runner, which knows how.
make_clone() {
    SAVED_CLONE=$2
    export SAVED_CLONE
    ask_about "$1" <<'SQL'
\getenv clone SAVED_CLONE
SELECT count(*) > 0 AS is_special FROM pg_database WHERE datname = :'names' AND (
    datacl IS NOT NULL OR datconnlimit <> -1 OR shobj_description(oid, 'pg_database') IS NOT NULL
    OR EXISTS (SELECT FROM pg_db_role_setting WHERE setdatabase = pg_database.oid)
    OR EXISTS (SELECT FROM pg_shseclabel WHERE objoid = pg_database.oid)
) \gset
\if :is_special
DO $$BEGIN RAISE 'a database with properties of its own'; END$$;
\endif
SELECT format('CREATE DATABASE %I TEMPLATE %I STRATEGY FILE_COPY OWNER %I', :'clone', datname, pg_get_userbyid(datdba))
    FROM pg_database WHERE datname = :'names' \gexec
SQL
}

# A role owns what the migrations made as this user, so it stays; the next run gives it its password and its rights again. The
# vacuum takes old passwords, which no one can derive anything from, out of the table.
remove_users() {
    ask <<'SQL'
\getenv users HARNESS_USERS
SELECT format('ALTER ROLE %I PASSWORD NULL', name) FROM unnest(string_to_array(:'users', E'\n')) AS name \gexec
SELECT format('ALTER ROLE %I NOLOGIN NOSUPERUSER', name) FROM unnest(string_to_array(:'users', E'\n')) AS name
    WHERE name <> 'postgres' \gexec
DROP ROLE :"replicator";
VACUUM FULL pg_authid;
SQL
}

end_server() {
    read -r server <"$data/postmaster.pid"
    kill -INT "$server"
    while kill -0 "$server" 2>/dev/null; do
        sleep 0.05
    done
    pg_controldata "$data" | grep -q 'cluster state: *shut down$'
}

# Of the WAL, a server needs the segment with the last checkpoint.
trim() {
    if [ -n "$(ls -A "$data/pg_tblspc")" ]; then
        echo "a tablespace is outside of the data directory" >&2
        exit 1
    fi
    needed=$(pg_controldata "$data" | sed -n 's/.*REDO WAL file: *//p')
    find "$data/pg_wal/" -maxdepth 1 -type f ! -name "$needed" -exec rm {} +
    rm -f "$data/postmaster.opts"
}
