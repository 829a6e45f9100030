"""Random edits of a project: equal keys have equal content, and an edit that does not count leaves the key as it is."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.runner.seeds import contents
from tests.runner import seed_builder, seed_project

CASES = 20
"""Edits of one random sequence."""

COUNTING: dict[str, tuple[Any, ...]] = {
    "row": ("a", "b"),
    "helper": ("a", "b"),
    "setting": (1, 2),
    "getattr": (1, 2),
    "variable": ("de", "fr", ""),
    "fixture": ("a", "b"),
    "csv": ("a", "b"),
    "receiver": ("a", "b"),
    "router": ("a", "b"),
    "column": ("", "number", "amount"),
    "migration": ("", "schema", "rows", "named"),
    "order": (("shop", "plain"), ("plain", "shop")),
    "auto": ("BigAutoField", "AutoField"),  # the same to SQLite
    "cache": ("cached", "other_cached"),
    "command": ("a", "b"),
}
"""Things that the content depends on, each with values to choose from."""
OTHERS: dict[str, tuple[Any, ...]] = dict.fromkeys(
    ("test", "view", "template", "readme", "hidden", "media", "method"), (0, 1, 2)
)
"""Things that it does not depend on."""

SETTINGS = """
DATABASE_ROUTERS = ["routing.routers.Router"]
SHOP_SETTING = {setting}
SHOP_GETATTR = {getattr}
MEDIA_ROOT = "/srv/media/{media}"
ROOT_URLCONF = "shop.views"
"""
IMPORTS = """
import os
from django.conf import settings
from django.core.management import call_command
from shop.helpers import NAME
from shop.reading import read_csv
"""
NAMES = """[
    "{row}", NAME, str(settings.SHOP_SETTING), str(getattr(settings, "SHOP_GETATTR", 0)),
    os.environ.get("SHOP_COUNTRY", "none"), *read_csv(),
]"""
MORE = """
call_command("loaddata", "items", database=alias, verbosity=0)
call_command("fill_items", database=alias)
"""
READING = """
from django.conf import settings

def read_csv():
    with (settings.BASE_DIR / "data" / "items.csv").open() as lines:
        return [line.strip() for line in lines]
"""
PLAIN = """
from django.db import models

class Plain(models.Model):
    name = models.TextField()
"""
OPERATIONS = {
    "schema": 'migrations.AddField("Item", "text", models.CharField(max_length=20, default="x"))',
    "rows": "migrations.RunSQL(\"INSERT INTO shop_item (name) VALUES ('by SQL')\")",
    "named": 'migrations.AddIndex("Item", models.Index(fields=["name"], name="by_name"))',
}


def files(state: dict[str, Any], databases: str = seed_project.SQLITE) -> dict[str, str]:
    """The project in *state*, a value for each of ``COUNTING`` and ``OTHERS``."""
    column = f"    {state['column']} = models.IntegerField(default=0)\n" if state["column"] else ""
    made = {
        "settings.py": seed_project.settings(
            databases, apps=", ".join(map(repr, state["order"])), auto=state["auto"], cache=state["cache"]
        )
        + SETTINGS.format(**state),
        "README.md": f"Shop {state['readme']}\n",
        "data/.hidden": f"{state['hidden']}\n",
        "routing/__init__.py": "",
        "routing/routers.py": "class Router:\n    def allow_migrate(self, db, app_label, **hints):\n"
        f"        return False if app_label == 'plain' and db == 'other' and '{state['router']}' == 'b' else None\n",
        "plain/__init__.py": "",
        "plain/models.py": PLAIN + column,
        "shop/__init__.py": "",
        "shop/apps.py": "from django.apps import AppConfig\n\nclass ShopConfig(AppConfig):\n    name = 'shop'\n\n"
        "    def ready(self):\n        from django.db.models.signals import post_migrate\n        from shop import signals\n"
        "        post_migrate.connect(signals.fill, sender=self)\n",
        "shop/signals.py": "def fill(sender, using, apps, **kwargs):\n"
        f"    apps.get_model('shop', 'Item').objects.using(using).create(name='receiver {state['receiver']}')\n",
        "shop/helpers.py": f"NAME = 'helper {state['helper']}'\n",
        "shop/reading.py": READING,
        "shop/models.py": seed_project.MODELS + f"\n    def method(self):\n        return {state['method']}\n",
        "shop/views.py": f"from shop import models\nNUMBER = {state['view']}\nurlpatterns = []\n",
        "shop/tests.py": f"NUMBER = {state['test']}\n",
        "shop/templates/shop/item.html": f"<p>{state['template']}</p>\n",
        "shop/fixtures/items.json": json.dumps(
            [{"model": "shop.item", "pk": 100, "fields": {"name": f"fixture {state['fixture']}"}}]
        ),
        "data/items.csv": f"csv {state['csv']}\n",
        "shop/management/__init__.py": "",
        "shop/management/commands/__init__.py": "",
        "shop/management/commands/fill_items.py": "from django.core.management.base import BaseCommand\n\n"
        "class Command(BaseCommand):\n    def add_arguments(self, parser):\n        parser.add_argument('--database')\n\n"
        "    def handle(self, database, **options):\n        from django.db import connections\n"
        "        with connections[database].cursor() as cursor:\n"
        f"            cursor.execute(\"INSERT INTO shop_item (name) VALUES ('command {state['command']}')\")\n",
        "shop/migrations/__init__.py": "",
        "shop/migrations/0001_initial.py": seed_project.first(NAMES.format(**state), imports=IMPORTS, more=MORE),
    }
    if state["migration"]:
        made[f"shop/migrations/0002_{state['migration']}.py"] = seed_project.second(OPERATIONS[state["migration"]])
    return made


def write(folder: Path, made: dict[str, str]) -> None:
    """Make *folder* hold the files *made*, and no others."""
    for path in folder.rglob("*"):
        if path.is_file() and path.relative_to(folder).as_posix() not in made:
            path.unlink()
    seed_project.write(folder, made)


@pytest.fixture(scope="module")
def pool() -> Iterator[Any]:
    with seed_builder.builder() as pool:
        yield pool


def built(pool: Any, folder: Path, state: dict[str, Any]) -> seed_builder.Built:
    write(folder, files(state))
    variables = {"SHOP_COUNTRY": state["variable"]} if state["variable"] else {}
    result: seed_builder.Built = pool.apply(seed_builder.build, (folder, variables))
    assert result.wanted.key, result.wanted.reason
    return result


def first_state() -> dict[str, Any]:
    return {name: values[0] for name, values in {**COUNTING, **OTHERS}.items()}


def edits(seed: int) -> Iterator[dict[str, Any]]:
    """States of the project, each with a few changes to the one before, or an earlier one again."""
    chance = random.Random(seed)
    choices = {**COUNTING, **OTHERS}
    state = first_state()
    seen = [state]
    yield state
    for _ in range(CASES - 1):
        start = chance.choice(seen) if chance.random() < 0.3 else state
        changed = chance.sample(sorted(COUNTING if chance.random() < 0.6 else OTHERS), chance.randint(1, 2))
        edited = {name: chance.choice([value for value in choices[name] if value != start[name]]) for name in changed}
        state = {**start, **edited}
        seen.append(state)
        yield state


@pytest.mark.parametrize("seed", [1, 2])
def test_equal_keys_have_equal_content(pool: Any, tmp_path: Path, seed: int) -> None:
    keys: dict[str, str] = {}
    known: dict[str, seed_builder.Built] = {}
    hits = 0
    for state in edits(seed):
        one = built(pool, tmp_path, state)
        counting = repr({name: state[name] for name in COUNTING})
        assert keys.setdefault(counting, one.wanted.key) == one.wanted.key, f"an edit that does not count: {state}"
        cached = known.setdefault(one.wanted.key, one)
        hits += cached is not one
        for alias, fresh in one.databases.items():
            assert contents.differences(cached.databases[alias], fresh) == [], f"a stale hit: {state}"
    assert hits >= 5
    assert len(known) >= 8


def test_each_thing_that_counts_changes_the_key(pool: Any, tmp_path: Path) -> None:
    """So the random test above does not pass by a key that changes with nothing, and each thing is one that counts."""
    state = first_state()
    first = built(pool, tmp_path, state)
    for name, values in COUNTING.items():
        one = built(pool, tmp_path, {**state, name: values[1]})
        assert one.wanted.key != first.wanted.key, name
        is_other = any(contents.differences(first.databases[alias], one.databases[alias]) for alias in one.databases)
        assert is_other or name == "auto", f"{name} is no thing that the content depends on"


def test_a_setting_read_by_a_variable_makes_all_count(pool: Any, tmp_path: Path) -> None:
    state = first_state()
    dynamic = READING + "\n\nNAME = 'SHOP_SETTING'\nVALUE = getattr(settings, NAME)\n"
    keys = set()
    for media in (0, 1):
        write(tmp_path, files({**state, "media": media}))
        settings = (tmp_path / "settings.py").read_text()
        (tmp_path / "settings.py").write_text(settings.replace("os.urandom(8).hex()", "'not random'"))
        (tmp_path / "shop/reading.py").write_text(dynamic)
        keys.add(pool.apply(seed_builder.build, (tmp_path, {})).wanted.key)
    assert len(keys) == 2
