from typing import Any

import pytest

from harness.runner.databases import postgres_clone


@pytest.mark.parametrize(
    ("version", "is_in_memory", "expected"),
    [(170_011, True, "FILE_COPY"), (150_000, True, "FILE_COPY"), (140_022, True, ""), (170_011, False, "")],
)
def test_files_are_copied_in_memory_from_version_15_on(version: int, is_in_memory: bool, expected: str) -> None:
    assert postgres_clone.strategy(version, is_in_memory=is_in_memory) == expected


class Cursor:
    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, statement: str, _parameters: Any = None) -> None:
        self.statements.append(statement)

    def fetchall(self) -> list[Any]:
        return []


@pytest.mark.parametrize(("strategy", "clause"), [("", ""), ("FILE_COPY", " STRATEGY FILE_COPY")])
def test_the_clause_is_there_only_where_it_is_wanted(strategy: str, clause: str) -> None:
    cursor = Cursor()
    postgres_clone.make_clone(cursor, "test_shop", "test_shop_1", strategy)
    assert f'CREATE DATABASE "test_shop_1" TEMPLATE "test_shop"{clause}' in cursor.statements
