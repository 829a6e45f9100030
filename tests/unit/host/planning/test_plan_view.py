"""A plan as a table and as JSON."""

import dataclasses
import json
from typing import Any

from harness.host.planning.plan import make_plan
from harness.host.planning.plan_view import VERSION, documents, installation_document, installation_lines, tables
from harness.host.project.dependencies import Installation
from harness.protocol.events import FrameworkChosen
from harness.protocol.topology import Alias, TestOptions, Topology

PG = "django.db.backends.postgresql"
MADE = make_plan(
    Topology(
        (
            Alias("default", PG, "postgresql", "shop", "db", "", "shop", "test_shop"),
            Alias("replica", PG, "postgresql", "shop", "ro", "", "", "test_shop", TestOptions(mirror="default")),
            Alias("near", PG, "postgresql", "shop", "db", "", "shop", "test_shop", TestOptions(mirror="default")),
            Alias("catalog", PG, "postgresql", "catalog", "cat", "", "cat", "test_catalog"),
            Alias("files", "django.db.backends.sqlite3", "sqlite", "x.db", test_name="file:x"),
        )
    )
)


def test_the_table_names_servers_aliases_order_and_notices() -> None:
    assert tables({"postgres-17": MADE}) == [
        "SERVER   ENGINE         ROLE     STREAMS FROM  ALIASES        USERS",
        "default  PostgreSQL 17  primary                default, near  shop, harness",
        "catalog  PostgreSQL 17  primary                catalog        cat",
        "replica  PostgreSQL 17  replica  default       replica        shop, harness",
        "",
        "ALIAS    SERVER   TEST DATABASE  KIND               BACKEND                        USER     AFTER",
        "default  default  test_shop      primary            django.db.backends.postgresql  shop",
        "replica  replica  test_shop      mirror of default  django.db.backends.postgresql  harness",
        "near     default  test_shop      mirror of default  django.db.backends.postgresql  shop",
        "catalog  catalog  test_catalog   primary            django.db.backends.postgresql  cat      default",
        "files    (none)   file:x         primary            django.db.backends.sqlite3              default",
        "",
        "test databases are made in this order: default, catalog, files",
        "note: near is a mirror of default on the same host and port, so it reads from the primary itself."
        " Another HOST or PORT in the settings gives it a replica.",
    ]


def test_the_framework_of_the_tests_and_its_reason_are_shown() -> None:
    chosen = FrameworkChosen("pytest", "pytest.ini, and pytest 8.4.2 is installed", "pytest 8.4.2")
    plan = dataclasses.replace(MADE, framework=chosen)
    line = "the tests are run by pytest 8.4.2: pytest.ini, and pytest 8.4.2 is installed"
    assert line in tables({"postgres-17": plan})
    document = documents({"postgres-17": plan})
    assert document["framework"] == {"name": "pytest", "version": "pytest 8.4.2", "reason": chosen.reason}
    plan = dataclasses.replace(MADE, framework=FrameworkChosen("django", "no configuration of pytest"))
    assert "the tests are run by Django: no configuration of pytest" in tables({"postgres-17": plan})


def test_the_document_is_json_and_says_the_same() -> None:
    document = json.loads(json.dumps(documents({"postgres-17": MADE})))
    assert document["version"] == VERSION
    assert [server["id"] for server in document["servers"]] == ["default", "catalog", "replica"]
    assert document["servers"][2] == {
        "id": "replica",
        "engine": "postgres",
        "version": "17",
        "role": "replica",
        "primary": "default",
        "aliases": ["replica"],
        "users": ["shop", "harness"],
    }
    assert document["aliases"]["replica"] == {
        "server": "replica",
        "database": "test_shop",
        "mode": "mirror",
        "mirror_of": "default",
        "dependencies": [],
        "backend": PG,
        "user": "harness",
    }
    assert document["aliases"]["files"]["server"] is None
    assert document["creation_order"] == ["default", "catalog", "files"]
    assert [notice["code"] for notice in document["notices"]] == ["mirror-without-replica"]


def test_several_backends_stand_below_their_names() -> None:
    lines, document = tables({"one": MADE}), documents({"one": MADE})
    plans = {"postgres-17": MADE, "sqlite": MADE}
    assert tables(plans) == ["=== postgres-17", "", *lines, "", "=== sqlite", "", *lines]
    assert documents(plans) == {"version": 1, "backends": {"postgres-17": document, "sqlite": document}}


def test_the_source_of_the_dependencies_has_its_reason() -> None:
    installation = Installation(("uv sync",), None, "uv.lock", "a lock; uv installs", ("a driver is added",))
    assert installation_lines([installation]) == [
        "",
        "dependencies: uv.lock (a lock; uv installs)",
        "note: a driver is added",
    ]
    assert installation_document([installation]) == {
        "dependencies": {
            "declared_in": "uv.lock",
            "reason": "a lock; uv installs",
            "commands": ["uv sync"],
            "notices": ["a driver is added"],
            "django": "",
        }
    }
    assert (installation_lines([]), installation_document([])) == ([], {})


def test_each_django_has_its_installation() -> None:
    installations = [
        Installation((f"pip install {django}",), (), "setup.py", "no lock", ("a note",), django=django)
        for django in ("5.2", "6.1")
    ]
    assert installation_lines(installations) == [
        "",
        "dependencies: setup.py (no lock), and Django 5.2",
        "dependencies: setup.py (no lock), and Django 6.1",
        "note: a note",
    ]
    document = installation_document(installations)
    assert list(document) == ["dependencies_by_django"]
    by_django: Any = document["dependencies_by_django"]
    assert by_django["6.1"]["commands"] == ["pip install 6.1"]
