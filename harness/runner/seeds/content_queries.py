"""The queries that read the objects and the tables of a database, by its vendor."""

from __future__ import annotations

_POSTGRES = (
    ("extension", "SELECT extname, extversion FROM pg_extension"),
    (
        "column",
        "SELECT table_schema || '.' || table_name || '.' || column_name, row_number() OVER (PARTITION BY table_schema,"
        " table_name ORDER BY ordinal_position), data_type, udt_name, character_maximum_length, numeric_precision,"
        " numeric_scale, is_nullable, column_default, is_identity, collation_name, generation_expression"
        " FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')",
    ),
    (
        "constraint",
        "SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint"
        " JOIN pg_namespace ON pg_namespace.oid = connamespace"
        " WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND conrelid <> 0",
    ),
    (
        "index",
        "SELECT schemaname || '.' || indexname, indexdef FROM pg_indexes"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    ),
    (
        "view",
        "SELECT schemaname || '.' || viewname, definition FROM pg_views"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    ),
    (
        "view",
        "SELECT schemaname || '.' || matviewname, definition FROM pg_matviews"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    ),
    (
        "function",
        "SELECT pg_proc.oid::regprocedure::text, pg_get_functiondef(pg_proc.oid) FROM pg_proc JOIN pg_namespace"
        " ON pg_namespace.oid = pronamespace"
        " WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND prokind IN ('f', 'p')"
        " AND NOT EXISTS"
        " (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')",
    ),
    (
        "trigger",
        "SELECT tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    ),
    (
        "type",
        "SELECT enumtypid::regtype::text, string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum GROUP BY enumtypid",
    ),
    (
        "sequence",
        "SELECT schemaname || '.' || sequencename, data_type::text, start_value, increment_by, last_value FROM pg_sequences",
    ),
)
_MYSQL = (
    ("view", "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"),
    (
        "routine",
        "SELECT ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER, ROUTINE_DEFINITION FROM information_schema.ROUTINES"
        " WHERE ROUTINE_SCHEMA = DATABASE()",
    ),
    (
        "trigger",
        "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT"
        " FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()",
    ),
)
_SQLITE = (("object", "SELECT type || ' ' || name, sql FROM sqlite_master"),)
TABLES = {
    "postgresql": "SELECT table_schema, table_name FROM information_schema.tables"
    " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2",
    "mysql": "SELECT '', TABLE_NAME FROM information_schema.TABLES"
    " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW' ORDER BY TABLE_NAME",
    "sqlite": "SELECT '', name FROM sqlite_master WHERE type = 'table' ORDER BY name",
}

OBJECTS = {"postgresql": _POSTGRES, "mysql": _MYSQL, "sqlite": _SQLITE}
"""Queries for each kind of object: a name, and the parts of its definition."""
