"""Makes a clone on PostgreSQL: ``CREATE DATABASE ... TEMPLATE``, and the properties of the template that this does not copy.

The server copies the contents of the database. Properties of the database itself are in the catalogues that all databases
share, and are not copied: owner, grants, comment, settings (``ALTER DATABASE ... SET``), the limit of connections, security
labels. Left as they are: ``IS_TEMPLATE``, since such a clone could not be dropped, and ``ALLOW_CONNECTIONS``, since a clone
without would be of no use.
"""

from __future__ import annotations

from typing import Any

from .. import unpatched

OBJECT_IN_USE = "55006"
"""The SQLSTATE of a template that has other sessions."""
_TERMINATED_S = 0.2
_HAS_STRATEGIES = 150_000
_CODES = ("sqlstate", "pgcode")

# The order is that of the server's own dump. The settings whose value is a list of names are those of pg_dump too
# (variable_is_guc_list_quote): each name is a literal of its own. Each grant is made again by its grantor.
_DIFFERENCES = r"""
WITH template AS (SELECT * FROM pg_catalog.pg_database WHERE datname = %s),
clone AS (SELECT oid, %s::text AS name, datdba FROM pg_catalog.pg_database WHERE datname = %s),
owner AS (
    SELECT format('ALTER DATABASE %%I OWNER TO %%I', name, pg_get_userbyid(template.datdba)) AS statement
    FROM template, clone WHERE template.datdba <> clone.datdba
),
revoked AS (
    SELECT format('REVOKE ALL ON DATABASE %%I FROM PUBLIC, %%I', name, pg_get_userbyid(template.datdba)) AS statement
    FROM template, clone WHERE datacl IS NOT NULL
),
granted AS (
    SELECT format(
        CASE WHEN grantor = datdba THEN '%%s' ELSE 'SET ROLE %%2$I; %%1$s; RESET ROLE' END,
        format('GRANT %%s ON DATABASE %%I TO %%s%%s', string_agg(privilege_type, ', '), name,
            CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
            CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END),
        pg_get_userbyid(grantor)) AS statement
    FROM (
        SELECT clone.name, template.datdba, grants.*
        FROM clone, template, aclexplode(template.datacl)
            WITH ORDINALITY AS grants (grantor, grantee, privilege_type, is_grantable, number)
    ) AS each
    GROUP BY name, datdba, grantor, grantee, is_grantable ORDER BY min(number)
),
settings AS (
    SELECT format('ALTER %%s SET %%I TO %%s',
        CASE WHEN setrole = 0 THEN format('DATABASE %%I', name)
            ELSE format('ROLE %%I IN DATABASE %%I', pg_get_userbyid(setrole), name) END,
        setting,
        CASE WHEN setting IN ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories') THEN (
            SELECT coalesce(string_agg(quote_literal(coalesce(replace(part[1], '""', '"'), part[2])), ', '), '''''')
            FROM regexp_matches(value, '"((?:[^"]|"")*)"|([^\s,"][^,"]*)', 'g') AS part
        ) ELSE quote_literal(value) END) AS statement
    FROM template JOIN pg_catalog.pg_db_role_setting ON setdatabase = template.oid, clone, unnest(setconfig) AS line,
        substr(line, 1, strpos(line, '=') - 1) AS setting, substr(line, strpos(line, '=') + 1) AS value
),
comment AS (
    SELECT format('COMMENT ON DATABASE %%I IS %%L', name, description) AS statement
    FROM clone, template, shobj_description(template.oid, 'pg_database') AS description WHERE description IS NOT NULL
),
connections AS (
    SELECT format('ALTER DATABASE %%I CONNECTION LIMIT %%s', name, datconnlimit) AS statement
    FROM template, clone WHERE datconnlimit <> -1
),
labels AS (  -- by the catalogue: the library that a label is for is loaded where it was given, and may not be here
    SELECT format('INSERT INTO pg_catalog.pg_shseclabel (objoid, classoid, provider, label) VALUES (%%s, %%s, %%L, %%L)',
        clone.oid, classoid, provider, label) AS statement
    FROM clone, template JOIN pg_catalog.pg_shseclabel
        ON objoid = template.oid AND classoid = 'pg_catalog.pg_database'::regclass
)
SELECT statement FROM owner UNION ALL SELECT statement FROM revoked UNION ALL SELECT statement FROM granted
UNION ALL SELECT statement FROM settings UNION ALL SELECT statement FROM comment
UNION ALL SELECT statement FROM connections UNION ALL SELECT statement FROM labels
"""


def strategy(version: int, *, is_in_memory: bool) -> str:
    """The way in which a server of *version* (``170011``) copies a template; empty for the server's own.

    ``FILE_COPY`` copies the template's files, after a checkpoint; ``WAL_LOG``, the default, writes every page to the WAL. In
    memory a checkpoint costs little, and the copy of files is 2 to 12 times as fast; on a disk it is the slower way.
    PostgreSQL 15 has the clause.
    """
    return "FILE_COPY" if is_in_memory and version >= _HAS_STRATEGIES else ""


def make_clone(cursor: Any, template: str, clone: str, strategy: str = "") -> None:
    """Make the database *clone* like *template*, over a *cursor* of Django's or psycopg's in another database of the server, in
    autocommit.

    *strategy* is a result of ``strategy``. An existing *clone* is dropped, and its sessions (of a dead worker) are ended. Raises
    the cursor's errors.
    """
    cursor.execute(f"DROP DATABASE IF EXISTS {_quote(clone)} WITH (FORCE)")
    by = f" STRATEGY {strategy}" if strategy else ""
    _create(cursor, f"CREATE DATABASE {_quote(clone)} TEMPLATE {_quote(template)}{by}", template)
    cursor.execute(_DIFFERENCES, [template, clone, clone])
    if statements := [statement for (statement,) in cursor.fetchall()]:
        cursor.execute(";\n".join(statements))


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _create(cursor: Any, statement: str, template: str) -> None:
    try:
        cursor.execute(statement)
    except Exception as error:
        if sqlstate_of(error) != OBJECT_IN_USE:
            raise
        # a session of the project's set-up outlived it, in a thread or a process that it started, and is no longer needed
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [template],
        )
        unpatched.time.sleep(_TERMINATED_S)
        cursor.execute(statement)


def sqlstate_of(error: BaseException) -> str:
    """The SQLSTATE of an error of the driver's or of Django's; psycopg 3 and 2 name it differently."""
    causes = (error, error.__cause__)
    return next((str(code) for each in causes for name in _CODES if (code := getattr(each, name, None))), "")
