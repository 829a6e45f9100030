from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.host.init.evidence import Found
from harness.host.init.findings import look_at
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


RUNTESTS = """
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}}, KEY=os.environ["SHOP_KEY"])

if __name__ == "__main__":
    sys.exit(DiscoverRunner().run_tests(["shop"]))
"""


class TestBootstrap:
    def test_the_script_of_the_test_command(self, tmp_path: Path) -> None:
        tox = (
            "[testenv]\ncommands =\n    a: coverage run runtests.py {posargs}\n    b: coverage run runtests.py --fast\n"
        )
        write(tmp_path, {"tox.ini": tox, "runtests.py": RUNTESTS, WORKFLOW: workflow("tox", "postgres:17")})
        found = {each.key: each for each in look_at(tmp_path).found}
        assert found["bootstrap"].value == "runtests.py"
        assert found["bootstrap"].where == f"tox.ini, by {WORKFLOW}: runtests.py"
        assert found["db"].value == ("postgres:17",)
        assert found["SHOP_KEY"].where.startswith("runtests.py reads it")
        assert "settings" not in found

    @pytest.mark.parametrize("python", ["python", "{envpython}", "{env_python}"])
    def test_its_folder_is_that_of_the_command(self, python: str, tmp_path: Path) -> None:
        files = {
            "tests/runtests.py": RUNTESTS,
            "tox.ini": f"[testenv]\nchangedir = tests\ncommands = {python} runtests.py {{posargs}}\n",
        }
        write(tmp_path, files)
        found = values(tmp_path)
        assert (found["workdir"], found["bootstrap"]) == ("tests", "runtests.py")

    def test_a_session_of_nox_and_a_target_of_make(self, tmp_path: Path) -> None:
        nox = 'import nox\n@nox.session\ndef tests(session):\n    session.run("python", "runtests.py", "fast")\n'
        write(tmp_path / "nox", {"noxfile.py": nox, "runtests.py": RUNTESTS})
        assert values(tmp_path / "nox")["bootstrap"] == "runtests.py fast"
        write(tmp_path / "make", {"Makefile": "test:\n\tpython runtests.py\n", "runtests.py": RUNTESTS})
        assert values(tmp_path / "make")["bootstrap"] == "runtests.py"

    def test_one_that_no_command_names(self, tmp_path: Path) -> None:
        write(tmp_path, {"tests/quicktest.py": RUNTESTS})
        assert values(tmp_path)["bootstrap"] == "tests/quicktest.py"
        write(tmp_path, {"manage.py": MANAGE})
        assert "bootstrap" not in values(tmp_path)

    def test_its_settings_module_is_looked_at(self, tmp_path: Path) -> None:
        script = 'os.environ["DJANGO_SETTINGS_MODULE"] = "tests.conf"\ncall_command("test", "shop")\n'
        settings = 'KEY = os.environ["SHOP_KEY"]\n'
        write(tmp_path, {"runtests.py": script, "tests/__init__.py": "", "tests/conf.py": settings})
        assert values(tmp_path) == {"bootstrap": "runtests.py", "env.SHOP_KEY": "for-tests"}

    def test_settings_of_pytest_come_before_a_script(self, tmp_path: Path) -> None:
        files = {"runtests.py": RUNTESTS, "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = tests.conf\n"}
        write(tmp_path, {**files, WORKFLOW: workflow("pytest")})
        assert values(tmp_path) == {}  # pytest-django reads them itself

    def test_folders_to_import_from(self, tmp_path: Path) -> None:
        tox = "[testenv]\nsetenv =\n    PYTHONPATH = {toxinidir}:{toxinidir}/lib\ncommands = django-admin test shop\n"
        write(tmp_path, {"tox.ini": tox, "shop/__init__.py": "", "shop/settings.py": SETTINGS, "lib/x.py": ""})
        assert values(tmp_path)["env.PYTHONPATH"] == ".:lib"
        write(tmp_path, {"tox.ini": tox.replace("/lib", "/src"), "src/x.py": ""})
        assert "env.PYTHONPATH" not in values(tmp_path)


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

    def test_a_command_without_labels_runs_examples_too(self, tmp_path: Path) -> None:
        tox = "[testenv]\nsetenv = DJANGO_SETTINGS_MODULE = tests.settings\ncommands = django-admin test\n"
        write(tmp_path, {"tox.ini": tox, "tests/__init__.py": "", "tests/settings.py": SETTINGS})
        assert values(tmp_path) == {"settings": "tests.settings"}
        write(tmp_path, {"example/__init__.py": ""})
        assert values(tmp_path) == {"settings": "tests.settings", "labels": (".",)}

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
        write(tmp_path, {"shop/tests/locale/ru/LC_MESSAGES/django.po": ""})  # a test of the command compiles it
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


PYTEST = {**PROJECT, "pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = shop.settings\n", "tests/test_a.py": ""}


class TestPytest:
    def test_its_options_and_paths_are_those_of_a_run(self, tmp_path: Path) -> None:
        run = "pytest -n auto --ds=shop.settings -m 'not slow' -ra tests 'tests/test_a.py::test_b[1 2]' no_such_path"
        write(tmp_path, {**PYTEST, WORKFLOW: workflow(f'"{run}"')})
        assert values(tmp_path) == {
            "settings": "shop.settings",
            "labels": ("tests", "tests/test_a.py::test_b[1 2]"),
            "pytest_args": ("-m", "not slow", "no_such_path"),
        }

    def test_the_defaults_fit_a_plain_command(self, tmp_path: Path) -> None:
        write(tmp_path, {**PYTEST, WORKFLOW: workflow("python -m pytest -v")})
        assert values(tmp_path) == {}

    def test_it_is_named_where_nothing_is_configured(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("pytest", env="DJANGO_SETTINGS_MODULE: shop.settings")})
        assert values(tmp_path) == {"framework": "pytest", "settings": "shop.settings"}

    def test_a_library_needs_neither_settings_nor_manage_py(self, tmp_path: Path) -> None:
        conftest = "def pytest_configure():\n    settings.configure()\n"
        write(tmp_path, {"tests/conftest.py": conftest, "tox.ini": "[testenv]\ncommands = pytest {posargs:tests}\n"})
        findings = look_at(tmp_path)
        assert (values(tmp_path), findings.notes, findings.has_django) == ({"labels": ("tests",)}, (), True)

    def test_the_folder_of_the_command_is_that_of_the_tests(self, tmp_path: Path) -> None:
        files = {f"backend/{name}": text for name, text in PYTEST.items()}
        write(tmp_path, {**files, WORKFLOW: workflow("cd backend && pytest tests")})
        assert values(tmp_path) == {"workdir": "backend", "labels": ("tests",)}

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            (
                "noxfile.py",
                'import nox\n@nox.session\ndef t(session):\n    session.run("pytest", "-k", "a", *session.posargs)\n',
            ),
            ("Makefile", "test:\n\tpytest -k a\n"),
            ("tox.ini", "[testenv]\ncommands = pytest -k a {posargs}\n"),
        ],
    )
    def test_other_files_have_its_command_too(self, tmp_path: Path, file: str, text: str) -> None:
        write(tmp_path, {**PYTEST, file: text})
        assert values(tmp_path) == {"pytest_args": ("-k", "a")}


class TestNotes:
    def test_options_of_pytest_that_a_run_does_not_need(self, tmp_path: Path) -> None:
        write(tmp_path, {**PYTEST, WORKFLOW: workflow("pytest -n auto --cov=shop && pytest --cov-report=xml")})
        (note,) = look_at(tmp_path).notes
        assert note.startswith(f"Options of the project's own pytest are left out: -n auto --cov=shop ({WORKFLOW}).")

    def test_pytest_beside_djangos_runner(self, tmp_path: Path) -> None:
        write(tmp_path, {**PYTEST, WORKFLOW: workflow("python manage.py test && pytest -m slow")})
        assert values(tmp_path) == {"framework": "django"}
        (note,) = look_at(tmp_path).notes
        assert note == f"Another command runs tests, and is not followed: pytest -m slow ({WORKFLOW})."

    def test_a_second_command(self, tmp_path: Path) -> None:
        write(tmp_path, {**PROJECT, WORKFLOW: workflow("python manage.py test && python manage.py test --tag slow")})
        (note,) = look_at(tmp_path).notes
        assert "manage.py test --tag slow (.github/workflows/tests.yml)" in note

    def test_services_and_assets_that_a_run_does_not_have(self, tmp_path: Path) -> None:
        text = workflow("npm run build && python manage.py test", "redis:7")
        write(tmp_path, {**PROJECT, WORKFLOW: text})
        services, assets = look_at(tmp_path).notes
        assert services.endswith("which a run does not start: redis:7.")
        assert assets.startswith(f"npm run build ({WORKFLOW}) is not run")
