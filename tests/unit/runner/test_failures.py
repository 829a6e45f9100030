"""The party at fault for an exception, and exceptions that fail to be described."""

import json
import sys
import types
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.template import Origin, TemplateDoesNotExist

from harness.errors import HarnessError, ProjectError
from harness.protocol.results import Frame
from harness.runner import failures
from harness.runner.failures import FailureDescriber, format_error, own_work


def raised(source: str, file: str) -> BaseException:
    """The exception that *source* raises as the code of *file*."""
    try:
        exec(compile(source, file, "exec"), {"json": json})
    except BaseException as error:  # noqa: BLE001 - KeyboardInterrupt is one of the cases
        own_frame = error.__traceback__
        return error.with_traceback(own_frame and own_frame.tb_next)
    raise AssertionError("nothing was raised")


OURS = str(Path(failures.__file__).parent / "worker.py")


@pytest.mark.parametrize(
    ("source", "file", "fault"),
    [
        ("{}[1]", "/project/shop/broker.py", "project"),
        ("{}[1]", OURS, "harness"),
        ("json.loads('no')", OURS, "harness"),
        ("json.loads('no')", "/project/shop/broker.py", "project"),
        ("raise KeyboardInterrupt", OURS, "project"),
        ("{}[1]", "/project/.venv/lib/site-packages/broker.py", "harness"),
    ],
)
def test_the_innermost_frame_decides_the_fault(source: str, file: str, fault: str) -> None:
    assert FailureDescriber("/project").fault_of(raised(source, file)) == fault


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


def test_an_exception_without_a_message_can_be_formatted() -> None:
    assert "Unspeakable" in format_error(Unspeakable())


def test_an_error_in_own_work_is_a_bug_of_the_harness() -> None:
    with pytest.raises(HarnessError, match="A bug in the harness: KeyError: 1") as caught, own_work():
        raise KeyError(1)
    assert caught.value.exit_code == 70
    assert "Traceback" in caught.value.evidence


def test_own_work_keeps_a_harness_error() -> None:
    with pytest.raises(ProjectError), own_work():
        raise ProjectError("settings")


class TestMissingFiles:
    @pytest.mark.parametrize(
        ("source", "names"),
        [
            ("open('/project/.env')", ".env"),
            ("import os; os.listdir(b'/project/a/../build')", "build"),
            (
                "try:\n    open('/project/x/y.txt')\nexcept OSError as error:\n    raise ValueError from error",
                "x/y.txt",
            ),
            ("open('/etc/no-such-file')", "../etc/no-such-file"),
            ("from package import local_settings", "package/local_settings.py package/local_settings/__init__.py"),
            ("import package.secret", "package/secret.py package/secret/__init__.py"),
            ("import package.secret as s", "package/secret.py package/secret/__init__.py"),
            ("raise FileNotFoundError('/project/.env')", ""),
            ("raise FileNotFoundError(2, 'no', object())", ""),
            ("{}[1]", ""),
        ],
    )
    def test_the_files_of_the_project_that_were_not_found(
        self, source: str, names: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        package = types.ModuleType("package")
        package.__path__ = ["/project/package"]
        monkeypatch.setitem(sys.modules, "package", package)
        monkeypatch.setattr(sys, "path", ["/project", "/venv/lib/python3.13/site-packages"])
        assert failures.missing_files(raised(source, "/project/shop/x.py"), "/project") == tuple(names.split())

    def test_the_places_of_a_template_that_django_did_not_find(self, monkeypatch: pytest.MonkeyPatch) -> None:
        origins = [Origin(f"{folder}/cart.html") for folder in ("/venv/lib/x/templates", "/project/shop/templates")]
        first = TemplateDoesNotExist("cart.html", tried=[(origin, "no source") for origin in origins])
        jinja = types.SimpleNamespace(template_dirs=[Path("/project/jinja2")])
        second = TemplateDoesNotExist("cart.html", backend=jinja)  # type: ignore[arg-type]  # a stand-in for an engine
        app = types.SimpleNamespace(path="/project/app")
        monkeypatch.setattr("django.apps.apps.get_app_configs", lambda: [app])
        found = failures.missing_files(TemplateDoesNotExist("cart.html", chain=[first, second]), "/project")
        searched = ("shop/templates", "jinja2", "app/templates", "app/jinja2", "../venv/lib/x/templates")
        assert found == tuple(f"{folder}/cart.html" for folder in searched)

    def test_the_places_of_a_fixture_that_django_did_not_find(self, monkeypatch: pytest.MonkeyPatch) -> None:
        app = types.SimpleNamespace(path="/project/app")
        monkeypatch.setattr("django.apps.apps.get_app_configs", lambda: [app])
        monkeypatch.setattr("django.conf.settings", types.SimpleNamespace(FIXTURE_DIRS=["/project/data"]))
        found = failures.missing_files(CommandError("No fixture named 'a/seed' found."), "/project")
        assert {"app/fixtures/a/seed.json", "app/fixtures/a/seed.json.gz", "data/a/seed.yaml"} < set(found)

    def test_the_manifest_of_static_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        manifest = types.SimpleNamespace(path=lambda name: f"/project/static/{name}")
        storage = types.SimpleNamespace(manifest_storage=manifest, manifest_name="staticfiles.json")
        module = types.SimpleNamespace(staticfiles_storage=storage)
        monkeypatch.setitem(sys.modules, "django.contrib.staticfiles.storage", module)
        error = ValueError("Missing staticfiles manifest entry for 'cart.css'")
        assert failures.missing_files(error, "/project") == ("static/staticfiles.json",)
        assert failures.missing_files(ValueError("Missing value"), "/project") == ()

    def test_a_relative_name_starts_from_the_working_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "tests").mkdir()
        monkeypatch.chdir(tmp_path / "tests")
        error = raised("open('data.json')", str(tmp_path / "x.py"))
        assert failures.missing_files(error, str(tmp_path)) == ("tests/data.json",)
        assert FailureDescriber(str(tmp_path)).describe((type(error), error, None), "error").missing_files


class TestBlame:
    def described(self, error: Exception, root: str) -> Frame | None:
        return FailureDescriber(root).describe((type(error), error, error.__traceback__), "error").blamed

    def test_the_marked_line_is_described(self) -> None:
        error = ValueError("refused")
        marked = failures.blame(error)
        assert marked is not None
        assert marked.function == "test_the_marked_line_is_described"
        later = KeyError("later")
        later.__cause__ = error
        assert self.described(later, failures.project_root()) == marked

    def test_the_traceback_has_the_line_where_the_stack_had_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        error = raised("{}[1]", "/project/shop/broker.py")
        assert isinstance(error, KeyError)
        monkeypatch.setattr(failures, "project_root", lambda: "/elsewhere")
        assert failures.blame(error) is None
        assert self.described(error, "/project") == Frame("shop/broker.py", 1, "<module>")
        assert self.described(error, "/other") is None

    def test_an_error_in_a_circle_that_is_not_marked(self) -> None:
        error = ValueError("a circle")
        error.__cause__ = error
        assert self.described(error, "/project") is None
