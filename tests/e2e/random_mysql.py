"""Random databases of MySQL and MariaDB, as statements: each seed is one. Statements that a server refuses are left out.

The databases are odd on purpose: names, character sets, settings of the session and values at the limits of their types.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

NAMES = [
    "plain",
    "od`d",
    "sp ace",
    "ümlaut",
    "FOR EACH ROW",
    "order",
    "x.y",
    "qu'ote",
    'dq"uote',
    "UPPER",
    "back\\slash",
]
TEXTS = [
    "",
    "a",
    "it's",
    'say "x"',
    "back\\slash",
    "ü",
    "100%",
    "`{db}`.x",
    "new\nline",
    "-- no",
    "/* no */",
    "😀",
    "%s",
]
OCTETS = ["_latin1'\udce9'", "_binary'\udcff\udcfe'", "_latin1 x'e9'", "_binary x'27ff5c'", "_sjis'\udc83a'"]
"""Literals of bytes that are not UTF-8, or become such when the server stores them."""
DEFINERS = ["", "", "CURRENT_USER", "'someone'@'%'", "'gone'@'nowhere'", "`some one`@`10.0.0.%`"]
COLLATIONS = ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "latin1_german1_ci", "latin1_bin", "utf8mb3_general_ci",
              "cp1251_general_ci", "ascii_general_ci", "sjis_japanese_ci"]  # fmt: skip
MODES = ["", "", "ANSI_QUOTES,PIPES_AS_CONCAT", "STRICT_ALL_TABLES", "NO_BACKSLASH_ESCAPES", "ALLOW_INVALID_DATES",
         "HIGH_NOT_PRECEDENCE", "NO_UNSIGNED_SUBTRACTION", "PAD_CHAR_TO_FULL_LENGTH", "IGNORE_SPACE", "REAL_AS_FLOAT", "ANSI",
         "ORACLE", "TRADITIONAL", "NO_AUTO_VALUE_ON_ZERO", "EMPTY_STRING_IS_NULL", "TIME_TRUNCATE_FRACTIONAL"]  # fmt: skip
SETTINGS = {
    "time_zone": ["'+05:30'", "'-11:00'", "'Europe/Berlin'", "'SYSTEM'"],
    "foreign_key_checks": ["0", "1"],
    "unique_checks": ["0", "1"],
    "innodb_strict_mode": ["0", "1"],
    "explicit_defaults_for_timestamp": ["0", "1"],
    "check_constraint_checks": ["0", "1"],
    "restrict_fk_on_non_standard_key": ["0", "1"],
    "sql_require_primary_key": ["0", "1"],
    "sql_generate_invisible_primary_key": ["0", "1"],
    "show_gipk_in_create_table_and_information_schema": ["0", "1"],
    "character_set_collations": ["''", "'utf8mb4=utf8mb4_bin,latin1=latin1_german2_ci'"],
    "default_collation_for_utf8mb4": ["utf8mb4_general_ci", "utf8mb4_0900_ai_ci"],
    "system_versioning_alter_history": ["KEEP", "ERROR"],
    "system_versioning_insert_history": ["0", "1"],
}
NUMBERS = [
    "0",
    "1",
    "-1",
    "127",
    "255",
    "65535",
    "2147483647",
    "9223372036854775807",
    "18446744073709551615",
    "0.1",
    "1e30",
]
DATES = ["'0000-00-00'", "'2024-00-10'", "'2024-02-30'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2024-02-29'",
         "'9999-12-31 23:59:59.999999'", "'2026-10-25 02:30:00.123456'", "'-838:59:59'", "2155", "1901"]  # fmt: skip
STRINGS = [
    "''",
    "'a'",
    "'A'",
    "'a  '",
    "'ß'",
    "'it''s'",
    "'back\\\\slash'",
    "'😀'",
    "x'00ff'",
    "x'fffe00'",
    "' '",
    "'%s'",
]
JSON = ["""'{"a": [1, 2, null], "b": "ü"}'""", "'[]'", "'null'", "'\"x\"'", "'1.50'"]
SHAPES = ["ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('LINESTRING(0 0,1 1,2 2)')"]
TYPES = {
    **dict.fromkeys(["tinyint", "smallint unsigned", "int", "int(5) zerofill", "bigint unsigned", "bit(9)", "decimal(20,4)",
                     "decimal(65,30)", "float", "double", "float(7,2)", "boolean", "year"], NUMBERS),
    **dict.fromkeys(["date", "datetime", "datetime(6)", "timestamp", "timestamp(3)", "time(6)"], DATES),
    **dict.fromkeys(["char(5)", "varchar(40)", "text", "longtext", "tinytext", "enum('a','ß','it''s','')", "set('a','b','ß')",
                     "varchar(190) CHARACTER SET latin1", "varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
                     "char(9) CHARACTER SET ascii", "text CHARACTER SET utf16", "varchar(9) CHARACTER SET sjis"], STRINGS),
    **dict.fromkeys(["binary(4)", "varbinary(30)", "blob", "longblob", "varchar(9) BINARY"], STRINGS),
    "json": JSON,
    "point": SHAPES[:1],
    "geometry": SHAPES,
    "uuid": ["'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'"],
    "inet6": ["'::1'", "'fe80::1'"],
}  # fmt: skip


def quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


CODECS = {"latin1": "cp1252", "utf8mb3": "utf-8", "utf8mb4": "utf-8", "binary": "utf-8"}
"""The character sets of clients that have all characters of the names, with the codec for the statements sent."""


class Writer:
    """Writes one database. *take* runs a statement and returns whether the server took it. *types* are those that the server has.
    ``tables`` holds the existing tables: name to columns, each with its type. ``has_odd_names``: a statement was sent in a
    character set other than UTF-8, with characters outside ASCII. A replica gets those names in UTF-8, marked as that other
    character set. Likewise it gets backslashes in comments as if they were escapes.
    """

    def __init__(self, seed: int, database: str, types: Sequence[str], take: Callable[[bytes], bool]) -> None:
        self.random = Random(seed)
        self.database = database
        self.types = types
        self.taken = take
        self.charset = "utf8mb4"
        self.mode = ""
        self.has_odd_names = False
        self.is_mariadb = "inet6" in types
        self.tables: dict[str, dict[str, str]] = {}
        self.triggers: list[str] = []

    def take(self, statement: str) -> bool:
        codec = CODECS[self.charset]
        is_taken = self.taken(statement.encode(codec, "surrogateescape" if codec == "utf-8" else "replace"))
        is_odd = (not self.is_utf8 and not statement.isascii()) or (
            self.mode == "NO_BACKSLASH_ESCAPES" and "\\" in statement
        )
        if is_taken and is_odd and statement.startswith("CREATE"):
            self.has_odd_names = True
        return is_taken

    @property
    def is_utf8(self) -> bool:
        return self.charset in ("utf8mb3", "utf8mb4")

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def name(self, kind: str) -> str:
        return f"{kind} {self.one(NAMES)} {self.random.randrange(1000)}"

    def text(self) -> str:
        return literal(self.one(TEXTS).replace("{db}", self.database))

    def value(self) -> str:
        """A literal of text or bytes."""
        return self.one(OCTETS) if self.chance(0.2) else self.text()

    def write(self) -> None:
        """Write the whole database, with random changes of settings in between."""
        makers = (
            [self.table] * 4 + [self.rows] * 3 + [self.history, self.view, self.routine, self.trigger, self.event] * 3
        )
        makers += [self.alter, self.alter, self.collate, self.grant] + [self.sequence] * 3 * self.is_mariadb
        self.table()
        for _ in range(self.random.randint(8, 22)):
            if self.chance(0.5):
                self.set()
            if not self.tables:
                self.table()
            else:
                self.one(makers)()

    def set(self) -> None:
        setting = self.setting()
        if self.take(setting) and setting.startswith("SET NAMES"):
            self.charset = setting.split()[2]
        if setting.startswith("SET SESSION sql_mode"):
            self.mode = setting.split("'")[1]

    def setting(self) -> str:
        kind = self.random.random()
        if kind < 0.35:
            return f"SET SESSION sql_mode = '{self.one(MODES)}'"
        if kind < 0.5:
            collation = self.one([each for each in COLLATIONS if each.partition("_")[0] in CODECS])
            charset = collation.partition("_")[0]
            return f"SET NAMES {charset} COLLATE {collation}" if self.chance(0.9) else "SET NAMES binary"
        if kind < 0.55:
            return f"SET GLOBAL innodb_default_row_format = {self.one(['dynamic', 'compact', 'redundant'])}"
        name = self.one(list(SETTINGS))
        return f"SET SESSION {name} = {self.one(SETTINGS[name])}"

    def collate(self) -> None:
        self.take(f"ALTER DATABASE {quote(self.database)} COLLATE {self.one(COLLATIONS)}")

    def plain(self, values: Sequence[str]) -> str:
        """A value for an expression, in ASCII: MySQL shows other characters wrongly, see the design note."""
        return self.one([value for value in values if value.isascii()])

    def column(self, name: str, kind: str, columns: dict[str, str]) -> str:
        parts = [quote(name), kind]
        same = [other for other, of in columns.items() if TYPES.get(of) is TYPES.get(kind)]
        if same and kind not in ("json", "point") and self.chance(0.25):
            source = quote(self.one(same))
            changed = {id(STRINGS): f"concat({source}, 'x')", id(NUMBERS): f"least({source}, 1)"}.get(
                id(TYPES[kind]), source
            )
            expression = self.one([source, changed, f"coalesce({source}, NULL)"])
            return " ".join([*parts, f"AS ({expression})", self.one(["VIRTUAL", "STORED"])])
        if self.chance(0.3):
            parts.append("NOT NULL")
        if self.chance(0.3):
            values = TYPES[kind]
            expression = f"({self.plain(values)})"
            parts.append("DEFAULT " + self.one([*values, expression, "(uuid())", "current_timestamp"]))
        if kind.startswith(("timestamp", "datetime")) and self.chance(0.3):
            parts.append("ON UPDATE current_timestamp" + kind[kind.find("(") :] * ("(" in kind))
        if self.chance(0.15):
            parts.append("INVISIBLE")
        if self.chance(0.15):
            parts.append(f"COMMENT {self.text()}")
        if self.chance(0.1):
            parts.append(f"CHECK ({quote(name)} <> {self.plain(TYPES[kind])})")
        return " ".join(parts)

    def table(self) -> None:
        """Create a table, in up to six attempts: the server refuses most random definitions."""
        for _ in range(6):
            name = self.name("t")
            columns: dict[str, str] = {}
            lines = []
            for number in range(self.random.randint(1, 6)):
                column, kind = f"{self.one(NAMES)}{number}", self.one(self.types)
                lines.append(self.column(column, kind, columns))
                columns[column] = kind
            if self.chance(0.6):
                lines.append(self.one(["id int AUTO_INCREMENT PRIMARY KEY", "id bigint unsigned AUTO_INCREMENT PRIMARY KEY",
                                       "id char(3) PRIMARY KEY DEFAULT 'k'"]))  # fmt: skip
            lines += [self.key(columns) for _ in range(self.random.randint(0, 2))]
            if self.tables and self.chance(0.4):
                lines += self.foreign_key()
            options = self.table_options(columns)
            if self.take(f"CREATE TABLE {quote(name)} ({', '.join(lines)}) {options}"):
                self.tables[name] = columns
                self.rows(name)
                return

    def foreign_key(self) -> list[str]:
        parent = self.one(list(self.tables))
        theirs = self.one([*self.tables[parent], "id", "id"])
        action = self.one(["", "ON DELETE CASCADE", "ON UPDATE SET NULL"])
        return [
            f"parent_id {self.tables[parent].get(theirs, 'int')}",
            f"FOREIGN KEY (parent_id) REFERENCES {quote(parent)} ({quote(theirs)}) {action}",
        ]

    def key(self, columns: dict[str, str]) -> str:
        column = self.one(list(columns))
        part = quote(column) + ("(4)" if TYPES[columns[column]] is STRINGS else "") + self.one(["", " DESC"])
        kind = self.one(["KEY", "UNIQUE KEY", "KEY"])
        if "text" in columns[column] or "char" in columns[column]:
            kind = self.one([kind, kind, "FULLTEXT KEY"])
        if kind == "FULLTEXT KEY":
            part = quote(column)
        if columns[column] in ("point", "geometry"):
            kind, part = "SPATIAL KEY", quote(column)
        if self.chance(0.15) and not self.is_mariadb:
            kind, part = "KEY", f"(({quote(column)} IS NULL))"
        return f"{kind} {quote(self.name('k'))} ({part}){self.one(['', '', f' COMMENT {self.text()}'])}"

    def table_options(self, columns: dict[str, str]) -> str:
        options = [self.one(["", "", "", "ENGINE=InnoDB", "ENGINE=MyISAM", "ENGINE=MEMORY", "ENGINE=ARCHIVE"])]
        if self.chance(0.2):
            options.append("AUTO_INCREMENT=" + self.one(["7", "2147483647", "18446744073709551615"]))
        if self.chance(0.3):
            options.append(f"COLLATE={self.one(COLLATIONS)}")
        if self.chance(0.2):
            options.append(f"ROW_FORMAT={self.one(['COMPACT', 'REDUNDANT', 'DYNAMIC', 'COMPRESSED', 'FIXED'])}")
        if self.chance(0.3):
            options.append(f"COMMENT={self.text()}")
        if self.chance(0.4) and self.is_mariadb:
            options.append("WITH SYSTEM VERSIONING")
        if self.chance(0.2):
            options.append(self.one([
                "PARTITION BY KEY () PARTITIONS 3", f"PARTITION BY HASH ({quote(self.one(list(columns)))}) PARTITIONS 2",
                f"PARTITION BY RANGE COLUMNS ({quote(self.one(list(columns)))}) (PARTITION p0 VALUES LESS THAN (5),"
                " PARTITION `p``1` VALUES LESS THAN (MAXVALUE) COMMENT 'it''s')",
                "PARTITION BY SYSTEM_TIME INTERVAL 1 DAY STARTS '2026-01-01 00:00:00' PARTITIONS 3",
            ]))  # fmt: skip
        return " ".join(options)

    def rows(self, table: str | None = None) -> None:
        table = table or self.one(list(self.tables))
        for _ in range(self.random.randint(0, 4)):
            columns = self.random.sample(list(self.tables[table]), self.random.randint(0, len(self.tables[table])))
            values = [self.one([*TYPES[self.tables[table][column]], "NULL", "DEFAULT"]) for column in columns]
            named = ", ".join(map(quote, columns))
            self.take(f"INSERT {self.one(['', 'IGNORE '])}INTO {quote(table)} ({named}) VALUES ({', '.join(values)})")

    def history(self) -> None:
        """Change rows, so that a versioned table keeps their former versions."""
        table = self.one(list(self.tables))
        if self.tables[table]:
            column = self.one(list(self.tables[table]))
            value = self.one(TYPES[self.tables[table][column]])
            self.take(f"UPDATE IGNORE {quote(table)} SET {quote(column)} = {value}")
        if self.chance(0.4):
            self.take(f"DELETE FROM {quote(table)} LIMIT 1")

    def alter(self) -> None:
        table = self.one([name for name, columns in self.tables.items() if columns] or [""])
        if not table:
            return
        column = self.one(list(self.tables[table]))
        change = self.one([
            f"ADD CONSTRAINT CHECK ({quote(column)} IS NULL)", "ADD SYSTEM VERSIONING", f"DROP COLUMN {quote(column)}",
            f"ADD COLUMN added varchar(9) NOT NULL DEFAULT {self.text()} FIRST", f"ADD KEY ({quote(column)})",
            f"ALTER COLUMN {quote(column)} SET DEFAULT {self.one(TYPES[self.tables[table][column]])}",
            f"CONVERT TO CHARACTER SET utf8mb4 COLLATE {self.one(COLLATIONS)}", "AUTO_INCREMENT = 4294967296",
        ])  # fmt: skip
        if self.take(f"ALTER TABLE {quote(table)} {change}") and change.startswith("DROP COLUMN"):
            del self.tables[table][column]

    def source(self) -> str:
        """A table's name, with or without its database."""
        table = quote(self.one(list(self.tables)))
        return self.one([table, f"{quote(self.database)}.{table}"])

    def definer(self) -> str:
        definer = self.one(DEFINERS)
        return f"DEFINER = {definer} " if definer else ""

    def view(self) -> None:
        if not self.is_utf8 and not self.is_mariadb:
            return  # MySQL sends its replica a view's definition in UTF-8, and says that it is in the client's
        security = self.one(["", "SQL SECURITY INVOKER ", "SQL SECURITY DEFINER "])
        algorithm = self.one(["", "ALGORITHM = MERGE ", "ALGORITHM = TEMPTABLE "])
        query = self.one([
            f"SELECT *, {self.value()} AS said FROM {self.source()}", "SELECT 'a' = 'A' AS same, 'ß' AS s, 1 || 2 AS c",
            f"SELECT count(*) AS n FROM {self.source()} WHERE 'x' <> {self.value()}",
            f"SELECT * FROM {self.source()} WHERE 1 = 1 WITH CHECK OPTION",
        ])  # fmt: skip
        name = self.name("v")
        if self.take(f"CREATE {algorithm}{self.definer()}{security}VIEW {quote(name)} AS {query}"):
            self.tables[name] = {}

    def body(self) -> str:
        return self.one([
            f"SET @x = {self.value()}", f"BEGIN DECLARE t varchar(20); SET t = {self.value()}; SET @x = (t = 'SS'); END",
            "SET @x = 'a' || 'ß'", f"BEGIN IF 'a' = 'A' THEN SET @x = {self.text()}; END IF; /* ü */ END",
        ])  # fmt: skip

    def routine(self) -> None:
        about = " ".join([self.one(["", f"COMMENT {self.text()}"]), self.one(["", "SQL SECURITY INVOKER"])])
        name, qualified = quote(self.name("r")), self.one(["", f"{quote(self.database)}."])
        self.take(self.one([
            f"CREATE {self.definer()}PROCEDURE {qualified}{name}(IN a varchar(20), OUT `b``c` int) {about} {self.body()}",
            f"CREATE {self.definer()}FUNCTION {qualified}{name}(a varchar(20), b char(9) CHARACTER SET latin1)"
            f" RETURNS varchar(30) DETERMINISTIC {about} RETURN concat(a, {self.value()}) = b",
            f"CREATE {self.definer()}PROCEDURE {name} AS BEGIN NULL; END",  # of the mode ORACLE
        ]))  # fmt: skip

    def trigger(self) -> None:
        name, table = self.name("g"), self.one(list(self.tables))
        order = f" {self.one(['FOLLOWS', 'PRECEDES'])} {quote(self.one(self.triggers))}" if self.triggers else ""
        prefix = self.one(["", f"{quote(self.database)}."])
        when = self.one(["BEFORE INSERT", "AFTER UPDATE", "BEFORE DELETE", "/* FOR EACH ROW */ AFTER INSERT"])
        if self.take(
            f"CREATE {self.definer()}TRIGGER {prefix}{quote(name)} {when} ON {prefix}{quote(table)} for  each ROW"
            f"{order * self.chance(0.5)} {self.body()}"
        ):
            self.triggers.append(name)

    def event(self) -> None:
        when = self.one([
            "EVERY 3 DAY STARTS '2031-01-01 00:00:00' ENDS '2032-01-01 00:00:00'", "EVERY '1:30' HOUR_MINUTE",
            "AT '2035-05-05 05:05:05'", "AT current_timestamp + INTERVAL 1 SECOND",
        ])  # fmt: skip
        rest = f"{self.one(['', 'ON COMPLETION PRESERVE '])}{self.one(['DISABLE', 'DISABLE ON SLAVE'])} COMMENT {self.text()}"
        self.take(f"CREATE {self.definer()}EVENT {quote(self.name('e'))} ON SCHEDULE {when} {rest} DO {self.body()}")

    def sequence(self) -> None:
        name = quote(self.name("s"))
        self.take(f"CREATE SEQUENCE {name} " + self.one([
            "", "START 5 INCREMENT 3", "MAXVALUE 3 NOCACHE", "INCREMENT -2 MINVALUE -5 MAXVALUE 9 START 1 CYCLE CACHE 2",
            "START 9223372036854775800 CACHE 3", "INCREMENT 0",
        ]))  # fmt: skip
        for _ in range(self.random.randint(0, 5)):
            self.take(f"DO NEXTVAL({name})")
        numbered = self.name("n")
        if self.chance(0.3) and self.take(f"CREATE TABLE {quote(numbered)} (id bigint DEFAULT NEXTVAL({name}), x int)"):
            self.tables[numbered] = {"x": "int"}
            self.take(f"INSERT INTO {quote(numbered)} (x) VALUES (1), (2)")

    def grant(self) -> None:
        database = quote(self.database)
        what = self.one(["SELECT, UPDATE", "SELECT WITH GRANT OPTION", "ALL"])
        rights, _, option = what.partition(" WITH")
        where = self.one([f"{database}.*", f"{database}.{quote(self.one(list(self.tables)))}"])
        self.take(f"GRANT {rights} ON {where} TO 'someone'@'%'{' WITH' * bool(option)}{option}")
