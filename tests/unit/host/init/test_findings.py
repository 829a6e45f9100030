from __future__ import annotations

import subprocess
from pathlib import Path

from harness.host.init.findings import Found, look_at
from tests.unit.host.project.conftest import write

MANAGE = (
    'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\nexecute_from_command_line(argv)\n'
)
SETTINGS = 'INSTALLED_APPS = []\nDATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}\n'
PROJECT = {"manage.py": MANAGE, "shop/__init__.py": "", "shop/settings.py": SETTINGS}
WORKFLOW = ".github/workflows/tests.yml"


def workflow(run: str, image: str = "", env: str = "") -> str:
    services = f"    services: {{db: {{image: '{image}'}}}}\n" if image else ""
    return f"jobs:\n  t:\n{services}    steps:\n      - run: {run}\n        env: {{{env}}}\n"


def values(root: Path) -> dict[str, object]:
    return {f"{each.table}.{each.key}" if each.table else each.key: each.value for each in look_at(root).found}


class TestPlace:
    def test_nothing_is_written_where_the_defaults_fit(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("python manage.py test", "postgres:1.2")})
        assert values(tmp_path) == {}

    def test_the_folder_of_the_script(self, tmp_path: Path) -> None:
        write(tmp_path, {f"backend/{name}": text for name, text in PROJECT.items()})
        assert look_at(tmp_path).found == (Found("workdir", "backend", "manage.py is there"),)

    def test_requirements_beside_the_project_need_root(self, tmp_path: Path) -> None:
        files = {f"apps/web/{name}": text for name, text in PROJECT.items()}
        write(tmp_path, {**files, "apps/web/requirements.txt": "-e ../../libs/x\n", "libs/x/setup.py": ""})
        project = tmp_path / "apps" / "web"
        assert values(project) == {}
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        (found,) = [each for each in look_at(project).found if each.key == "root"]
        assert found == Found("root", "../..", "requirements.txt names ../../libs/x ('-e ../../libs/x')")

    def test_labels_are_seen_from_the_folder_of_the_script(self, tmp_path: Path) -> None:
        files = {f"tests/{name}": text for name, text in PROJECT.items()}
        write(tmp_path, {**files, WORKFLOW: workflow("tests/manage.py test tests")})
        assert values(tmp_path) == {"workdir": "tests"}
        write(tmp_path, {WORKFLOW: workflow("tests/manage.py test shop tests/shop")})
        assert values(tmp_path)["labels"] == ("shop", "shop")

    def test_a_library_has_its_settings_in_tox(self, tmp_path: Path) -> None:
        tox = "[testenv]\nsetenv =\n    DJANGO_SETTINGS_MODULE = tests.settings\ncommands = django-admin test tests\n"
        write(tmp_path, {"tox.ini": tox, "tests/__init__.py": "", "tests/settings.py": SETTINGS})
        assert values(tmp_path) == {"settings": "tests.settings", "labels": ("tests",)}

    def test_filters_of_warnings(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("python -W error manage.py test")})
        assert values(tmp_path) == {"warnings": ("error",)}

    def test_settings_in_the_folder_of_tests(self, tmp_path: Path) -> None:
        write(tmp_path, {"tests/__init__.py": "", "tests/settings.py": SETTINGS})
        assert values(tmp_path) == {"settings": "tests.settings"}

    def test_a_label_that_names_nothing_is_a_note(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("python manage.py test elsewhere shop")})
        findings = look_at(tmp_path)
        assert findings.found[0].value == ("shop",)
        assert "elsewhere" in findings.notes[0]

    def test_a_script_elsewhere_is_not_the_entry(self, tmp_path: Path) -> None:
        write(tmp_path / "root", {**PROJECT, WORKFLOW: workflow("python ../manage.py test")})
        write(tmp_path, {"manage.py": MANAGE})
        assert values(tmp_path / "root") == {}

    def test_a_label_outside_of_the_folder_is_left_out(self, tmp_path: Path) -> None:
        files = {f"tests/{name}": text for name, text in PROJECT.items()}
        write(tmp_path, {**files, WORKFLOW: workflow("tests/manage.py test .")})
        assert values(tmp_path) == {"workdir": "tests"}

    def test_no_project(self, tmp_path: Path) -> None:
        assert not look_at(tmp_path).has_django


class TestDatabases:
    def test_the_version_of_a_service(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("python manage.py test", "postgis/postgis:17-3.5")})
        assert values(tmp_path) == {"db": ("postgres:17",)}

    def test_a_variable_that_chooses_the_engine(self, tmp_path: Path) -> None:
        text = (
            "jobs:\n  t:\n    strategy: {matrix: {db: [sqlite3, mysql-innodb]}}\n    steps:\n"
            "      - run: python manage.py test\n        env: {KIND: '${{ matrix.db }}'}\n"
        )
        write(tmp_path, {**PROJECT, "shop/settings.py": f'{SETTINGS}os.environ.get("KIND")', WORKFLOW: text})
        assert values(tmp_path) == {
            "db": ("mysql",),
            "env_for.mysql.KIND": "mysql-innodb",
            "env_for.sqlite.KIND": "sqlite3",
        }

    def test_one_backend_of_all_that_ci_tests_on(self, tmp_path: Path) -> None:
        services = workflow("python manage.py test", "mysql").replace("}}", "}, other: {image: 'postgres:17'}}", 1)
        write(tmp_path, {**PROJECT, "shop/settings.py": f"{SETTINGS}# django.db.backends.sqlite3", WORKFLOW: services})
        findings = look_at(tmp_path)
        assert findings.found == (Found("db", ("postgres:17",), f"{WORKFLOW}; it tests on mysql, postgres:17, sqlite"),)
        assert findings.backends == ("mysql", "postgres:17", "sqlite")

    def test_aliases_on_several_engines_keep_theirs(self, tmp_path: Path) -> None:
        settings = SETTINGS.replace("}}", '}, "other": {"ENGINE": "django.db.backends.mysql"}}')
        image = workflow("python manage.py test", "postgres:17")
        write(tmp_path, {**PROJECT, "shop/settings.py": settings, WORKFLOW: image})
        assert values(tmp_path) == {}


class TestVariables:
    SETTINGS = f'{SETTINGS}SECRET_KEY = os.environ["KEY"]\n'

    def test_the_workflow_comes_before_samples(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, "shop/settings.py": self.SETTINGS, ".env.example": "KEY=sample\n"})
        (found,) = look_at(tmp_path).found
        assert (found.value, found.where) == ("sample", "shop/settings.py reads it; the value is from .env.example")
        write(tmp_path, {WORKFLOW: workflow("python manage.py test", env="KEY: ci")})
        assert values(tmp_path) == {"env.KEY": "ci"}

    def test_a_compose_file(self, tmp_path: Path) -> None:
        compose = "services: {web: {environment: ['KEY=composed']}}"
        write(tmp_path, {**PROJECT, "shop/settings.py": self.SETTINGS, "docker-compose.yml": compose})
        assert values(tmp_path) == {"env.KEY": "composed"}

    def test_a_secret_gets_a_made_up_value(self, tmp_path: Path) -> None:
        secret = workflow("python manage.py test", env="KEY: '${{ secrets.KEY }}'")
        write(tmp_path, {**PROJECT, "shop/settings.py": self.SETTINGS, WORKFLOW: secret})
        (found,) = look_at(tmp_path).found
        assert (found.value, found.where) == ("for-tests", "shop/settings.py reads it; the value is made up")

    def test_those_of_the_step_that_the_project_reads(self, tmp_path: Path) -> None:
        env = "MODE: fast, OTHER: a, DB_PASSWORD: b, MODE_TOKEN: c"
        settings = f'{SETTINGS}a = os.getenv("MODE"), os.getenv("DB_PASSWORD"), os.getenv("MODE_TOKEN")'
        write(tmp_path, {**PROJECT, "shop/settings.py": settings, WORKFLOW: workflow("manage.py test", env=env)})
        assert values(tmp_path) == {"env.MODE": "fast"}


class TestFiles:
    def test_dotenv_that_git_ignores_is_included(self, tmp_path: Path) -> None:
        settings = f'{SETTINGS}env.read_env(".env")\nKEY = env("KEY")\n'
        write(tmp_path, {**PROJECT, "shop/settings.py": settings, ".env": "KEY=mine\n", ".gitignore": ".env\n"})
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        assert values(tmp_path) == {"include": (".env",)}

    def test_messages_without_a_compiled_file(self, tmp_path: Path) -> None:
        po = "shop/locale/de/LC_MESSAGES/django.po"
        write(tmp_path, {**PROJECT, po: "", "docs/locale/de/LC_MESSAGES/a.po": ""})
        assert values(tmp_path) == {"before": ("python manage.py compilemessages",)}
        write(tmp_path, {po.replace(".po", ".mo"): ""})
        assert values(tmp_path) == {}

    def test_ci_decides_whether_messages_are_compiled(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, "shop/locale/de/LC_MESSAGES/django.po": "", WORKFLOW: workflow("manage.py test")})
        assert values(tmp_path) == {}
        write(tmp_path, {WORKFLOW: workflow("./manage.py compilemessages -l de && ./manage.py test")})
        assert values(tmp_path) == {"before": ("python manage.py compilemessages -l de",)}

    def test_packages_of_the_job(self, tmp_path: Path) -> None:
        run = "sudo apt-get install -y libmysqlclient-dev redis-server libpython3-dev && pip install mock && manage.py test"
        write(tmp_path, {**PROJECT, "requirements.txt": "Django\n", WORKFLOW: workflow(run)})
        assert values(tmp_path) == {"apt": ("default-libmysqlclient-dev",), "extra_install": ("mock",)}

    def test_packages_of_tox(self, tmp_path: Path) -> None:
        tox = "[testenv]\ndeps =\n    Django\n    old: six\n    freezegun>=1\n    codecov\ncommands = python manage.py test\n"
        write(tmp_path, {**PROJECT, "requirements.txt": "Django\n", "tox.ini": tox})
        assert values(tmp_path) == {"extra_install": ("freezegun>=1",)}


class TestNotes:
    def test_pytest(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("pytest")})
        (note,) = look_at(tmp_path).notes
        assert note.startswith("The project's own command is pytest (.github/workflows/tests.yml).")

    def test_a_second_command(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("python manage.py test && python manage.py test --tag slow")})
        (note,) = look_at(tmp_path).notes
        assert "manage.py test --tag slow (.github/workflows/tests.yml)" in note
