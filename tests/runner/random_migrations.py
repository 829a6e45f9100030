"""``python random_migrations.py FOLDER SEED SEEDS MIGRATIONS``: migrates two databases by Django alone and by the harness, and
prints the differences as JSON, one line for each seed.

Each seed is a set of random migrations of two apps, and a router of one of ``ROUTERS`` that allows the second alias nothing, some
of it, or all. Compared are the schema and the rows of both databases, and the ``post_migrate`` signals with the models that
their receivers saw. It runs in a process with Django; the folder gets the generated packages.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

APPS = ("gen_a", "gen_b")
HEAD = """
from django.db import migrations, models

def fill(apps, schema_editor):
    for model in sorted(apps.get_models(), key=lambda model: model._meta.label):
        if model._meta.app_label.startswith("gen_"):
            try:
                model._base_manager.using(schema_editor.connection.alias).get_or_create(pk=7)
            except Exception:
                pass

class Own(migrations.RunSQL):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        schema_editor.execute("CREATE TABLE IF NOT EXISTS own_%d (a integer)" % len(to_state.models))

class Quiet(migrations.RunPython):
    pass

class Migration(migrations.Migration):
"""


class Generator:
    """Writes migrations of two apps, each of which fits what came before."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.models: dict[str, dict[str, list[str]]] = {app: {} for app in APPS}
        self.number = 0

    def name(self, prefix: str) -> str:
        self.number += 1
        return f"{prefix}{self.number}"

    def write(self, folder: Path, migrations: int) -> None:
        last = dict.fromkeys(APPS, "")
        before = ""
        for app in APPS:
            (folder / app).mkdir(parents=True)
            (folder / app / "__init__.py").touch()
        (folder / "__init__.py").touch()
        for number in range(migrations):
            app = APPS[0] if number == 0 else self.random.choice(APPS)
            name = f"{number:04}_m"
            needs = {entry for entry in (last[app] and f"{app}.{last[app]}", before) if entry}
            operations = [self.operation(app) for _ in range(self.random.randint(1, 3))]
            lines = [
                *(f"    initial = {not last[app]}", f"    atomic = {self.random.random() > 0.1}"),
                f"    dependencies = {sorted(tuple(need.split('.')) for need in needs)}",
                f"    operations = [{', '.join(operations)}]",
            ]
            (folder / app / f"{name}.py").write_text(HEAD + "\n".join(lines) + "\n")
            last[app], before = name, f"{app}.{name}"

    def operation(self, app: str) -> str:
        makers: list[Callable[[str], str]] = [
            *(self.create, self.add_field, self.add_field, self.alter, self.rename_field, self.remove_field),
            *(self.index, self.together, self.options, self.table, self.python, self.sql, self.separate),
            *(self.rename_model, self.delete, self.foreign_key, self.constraint),
        ]
        made = self.random.choice(makers)(app)
        return made or self.create(app)

    def a_model(self, app: str) -> str:
        names = sorted(self.models[app])
        return self.random.choice(names) if names else ""

    def a_field(self, app: str, model: str) -> str:
        fields = self.models[app].get(model, [])
        return self.random.choice(fields) if fields else ""

    def create(self, app: str) -> str:
        model = self.name("M")
        self.models[app][model] = ["a"]
        fields = "[('id', models.BigAutoField(primary_key=True)), ('a', models.IntegerField(default=1))]"
        return f"migrations.CreateModel({model!r}, fields={fields})"

    def add_field(self, app: str) -> str:
        if not (model := self.a_model(app)):
            return ""
        field = self.name("f")
        self.models[app][model].append(field)
        return f"migrations.AddField({model!r}, {field!r}, models.IntegerField(default={self.number}))"

    def foreign_key(self, app: str) -> str:
        model, other = self.a_model(app), self.a_model(APPS[0])
        if not model or not other:
            return ""
        field = self.name("k")
        kind = f"models.ForeignKey('{APPS[0]}.{other}', models.CASCADE, null=True, related_name='+')"
        return f"migrations.AddField({model!r}, {field!r}, {kind})"

    def alter(self, app: str) -> str:
        if not (model := self.a_model(app)) or not (field := self.a_field(app, model)):
            return ""
        return f"migrations.AlterField({model!r}, {field!r}, models.BigIntegerField(default=2))"

    def rename_field(self, app: str) -> str:
        if not (model := self.a_model(app)) or not (field := self.a_field(app, model)):
            return ""
        new = self.name("r")
        self.models[app][model].remove(field)
        self.models[app][model].append(new)
        return f"migrations.RenameField({model!r}, {field!r}, {new!r})"

    def remove_field(self, app: str) -> str:
        model = self.a_model(app)
        if not model or len(self.models[app][model]) < 2:
            return ""
        field = self.models[app][model].pop()
        return f"migrations.RemoveField({model!r}, {field!r})"

    def index(self, app: str) -> str:
        if not (model := self.a_model(app)):
            return ""
        name = self.name("i")
        field = self.name("x")
        add = f"migrations.AddField({model!r}, {field!r}, models.IntegerField(default=0))"
        index = f"migrations.AddIndex({model!r}, models.Index(fields=[{field!r}], name={name!r}))"
        removal = f", migrations.RemoveIndex({model!r}, {name!r})" if self.random.random() < 0.5 else ""
        return f"{add}, {index}{removal}"

    def constraint(self, app: str) -> str:
        if not (model := self.a_model(app)):
            return ""
        name, field = self.name("c"), self.name("y")
        add = f"migrations.AddField({model!r}, {field!r}, models.IntegerField(null=True))"
        made = f"models.UniqueConstraint(fields=[{field!r}], name={name!r})"
        removal = f", migrations.RemoveConstraint({model!r}, {name!r})" if self.random.random() < 0.5 else ""
        return f"{add}, migrations.AddConstraint({model!r}, {made}){removal}"

    def together(self, app: str) -> str:
        if not (model := self.a_model(app)):
            return ""
        one, other = self.name("t"), self.name("t")
        adds = [f"migrations.AddField({model!r}, {field!r}, models.IntegerField(null=True))" for field in (one, other)]
        return f"{', '.join(adds)}, migrations.AlterUniqueTogether({model!r}, {{({one!r}, {other!r})}})"

    def options(self, app: str) -> str:
        model = self.a_model(app)
        return model and f"migrations.AlterModelOptions({model!r}, {{'verbose_name': {self.name('v')!r}}})"

    def table(self, app: str) -> str:
        model = self.a_model(app)
        return model and f"migrations.AlterModelTable({model!r}, {self.name('table_')!r})"

    def python(self, app: str) -> str:
        hints = self.random.choice(["", ", hints={'target': 'other'}", ", hints={'model_name': 'm1'}"])
        kind = self.random.choice(["migrations.RunPython", "Quiet"])
        return f"{kind}(fill, migrations.RunPython.noop{hints})"

    def sql(self, app: str) -> str:
        hints = self.random.choice(["", ", hints={'target': 'other'}"])
        kind = "Own" if self.random.random() < 0.1 else "migrations.RunSQL"
        return f"{kind}('CREATE TABLE {self.name('sql_')} (a integer)'{hints})"

    def separate(self, app: str) -> str:
        inner = f"migrations.RunSQL('CREATE TABLE {self.name('sep_')} (a integer)')"
        return f"migrations.SeparateDatabaseAndState(database_operations=[{inner}], state_operations=[])"

    def rename_model(self, app: str) -> str:
        if app == APPS[0] or not (model := self.a_model(app)):
            return ""
        new = self.name("N")
        self.models[app][new] = self.models[app].pop(model)
        return f"migrations.RenameModel({model!r}, {new!r})"

    def delete(self, app: str) -> str:
        if app == APPS[0] or len(self.models[app]) < 2:
            return ""
        model = self.a_model(app)
        del self.models[app][model]
        return f"migrations.DeleteModel({model!r})"


class Silent:
    """A router without ``allow_migrate``."""


class Router:
    """Allows the first alias everything."""

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        return True if db == "default" else self.other(app_label, model_name, hints)

    def other(self, app_label: str, model_name: str | None, hints: dict[str, Any]) -> bool | None:
        return False


class OneApp(Router):
    def other(self, app_label: str, model_name: str | None, hints: dict[str, Any]) -> bool | None:
        return app_label == APPS[1]


class OneModel(Router):
    def other(self, app_label: str, model_name: str | None, hints: dict[str, Any]) -> bool | None:
        return model_name == "m1"


class Looking(Router):
    """Looks at the model where there is one."""

    def other(self, app_label: str, model_name: str | None, hints: dict[str, Any]) -> bool | None:
        return bool(hints.get("model")) and hints["model"]._meta.db_table == "gen_a_m1"


class Hinted(Router):
    def other(self, app_label: str, model_name: str | None, hints: dict[str, Any]) -> bool | None:
        return hints.get("target") == "other"


class Opposite(Router):
    """Allows the first alias one app, and the second one the other."""

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        return (app_label == APPS[1]) == (db == "other")


ROUTERS: tuple[type, ...] = (Router, OneApp, OneModel, Looking, Hinted, Opposite, Silent)


def configure(folder: str, routers: list[Any]) -> None:
    """Set Django up with the two apps, whose packages are in *folder*, on two databases in memory."""
    import django
    from django.conf import settings

    sys.path.insert(0, folder)
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    for app in APPS:
        Path(folder, app).mkdir()
        Path(folder, app, "__init__.py").touch()
    settings.configure(
        DATABASES={"default": {**database}, "other": {**database}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", *APPS],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASE_ROUTERS=routers,
    )
    django.setup()


def generate(folder: str, seed: int, migrations: int) -> None:
    """Write the migrations of *seed* below *folder*, and make them those of the two apps."""
    from django.conf import settings

    package = f"seed_{seed}"
    Generator(seed).write(Path(folder, package), migrations)
    settings.MIGRATION_MODULES = {app: f"{package}.{app}" for app in APPS}


def main(folder: str, seed: int, seeds: int, migrations: int) -> None:
    configure(folder, [])
    for number in range(seed, seed + seeds):
        generate(folder, number, migrations)
        router = ROUTERS[number % len(ROUTERS)]
        alone, _ = migrated(router, is_ours=False)
        ours, recorded = migrated(router, is_ours=True)
        same = alone == ours
        found = {"seed": number, "router": router.__name__, "same": same, "recorded": recorded, "rows": len(alone[1])}
        print(json.dumps({**found, "failed": alone[0], **({} if same else {"alone": alone, "ours": ours})}), flush=True)


def migrated(router: type, *, is_ours: bool) -> tuple[list[Any], int]:
    """Schemas, rows and signals of both databases, and the number of migrations that the harness recorded only."""
    from django.db import connections
    from django.db import router as master
    from django.db.backends.base.base import BaseDatabaseWrapper
    from django.db.models.signals import post_migrate

    from harness.runner.templates import denied

    master.__dict__.pop("routers", None)
    master.__dict__["routers"] = [router()]
    seen: list[Any] = []
    steps: list[str] = []

    @contextmanager
    def step(name: str) -> Iterator[None]:
        steps.append(name)
        yield

    def receive(sender: Any, using: str, apps: Any, plan: Any, **_others: Any) -> None:
        models = {
            model._meta.label: [(field.name, type(field).__name__) for field in model._meta.get_fields()]
            for model in apps.get_models(include_auto_created=True)
        }
        seen.append([sender.label, using, [str(migration) for migration, _ in plan], sorted(models.items())])

    post_migrate.connect(receive, weak=False)
    names = {alias: connections[alias].settings_dict["NAME"] for alias in connections}
    failed = ""
    contents: list[Any] = []
    try:
        with denied.recorded(step) if is_ours else _nothing():
            for alias in connections:
                connections[alias].creation.create_test_db(verbosity=0)
    except Exception as error:  # noqa: BLE001 - both ways must fail alike
        failed = f"{type(error).__name__}: {error}"
    for alias in connections:
        contents += _contents(connections[alias]) if connections[alias].connection else []
        connections[alias].creation.destroy_test_db(names[alias], verbosity=0)
        BaseDatabaseWrapper.close(connections[alias])  # Django's own leaves a database in memory open
        connections[alias].settings_dict["NAME"] = names[alias]
        del connections[alias]
    post_migrate.disconnect(receive)
    return [failed, contents, json.loads(json.dumps(seen))], sum(int(name.split()[1]) for name in steps)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _contents(connection: Any) -> list[Any]:
    """The schema, and the rows of every table, without the times of ``django_migrations``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
        schema = [list(row) for row in cursor.fetchall()]
        rows = []
        for kind, name, _ in schema:
            if kind == "table":
                columns = "id, app, name" if name == "django_migrations" else "*"
                cursor.execute(f'SELECT {columns} FROM "{name}" ORDER BY 1')
                rows.append([name, [list(row) for row in cursor.fetchall()]])
    return [connection.alias, schema, rows]


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
