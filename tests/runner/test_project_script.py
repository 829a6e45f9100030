"""A script that configures Django by itself is executed as by its authors, and its tests run in workers."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from harness.errors import ExitCode
from harness.protocol.events import RunPlanned, TopologyFound
from tests.runner.conversation import Journal, MakeProject, RunTests

CONFIGURE = """
import os, sys
from django.conf import settings

def configure():
    settings.configure(
        SECRET_KEY="for tests alone",
        INSTALLED_APPS=["shop"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}, "other": {"ENGINE": "django.db.backends.sqlite3"}},
    )
"""
RUNTESTS = (
    CONFIGURE
    + """
import argparse
import django
from django.test.runner import DiscoverRunner

parser = argparse.ArgumentParser()
parser.add_argument("--database", default="sqlite")
database = parser.parse_args().database

def main():
    configure()
    settings.COLOUR = database
    django.setup()
    failures = DiscoverRunner(failfast=False, tags=None).run_tests(["shop"])
    failures |= DiscoverRunner().run_tests(["more"])
    sys.exit(failures)

if __name__ == "__main__":
    main()
"""
)
MODELS = """
from django.db import models

class Item(models.Model):
    name = models.CharField(max_length=9)

    class Meta:
        app_label = "shop"
"""
TESTS = """
import sys
from django.conf import settings
from django.test import TestCase, tag
from shop.models import Item

class Tests(TestCase):
    databases = {"default", "other"}

    def test_rows(self):
        Item.objects.using("other").create(name="a")
        self.assertEqual(Item.objects.count(), 0)

    @tag("slow")
    def test_slow(self):
        print(sys.argv, getattr(settings, "COLOUR", ""))
"""
MORE = """
from django.test import SimpleTestCase

class MoreTests(SimpleTestCase):
    def test_more(self):
        {}
"""
FILES = {
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/tests.py": TESTS,
    "more/__init__.py": "",
    "more/tests.py": MORE.format("pass"),
    "example/__init__.py": "",
    "example/tests.py": "raise RuntimeError('the script does not run these')\n",
}
GREEN = {"Tests.test_rows": "PASSED", "Tests.test_slow": "PASSED", "MoreTests.test_more": "PASSED"}
ENDS = """
    from django.test.utils import get_runner
    {run}
"""
RunScript = Callable[..., Journal]


@pytest.fixture
def run_script(project: MakeProject, run_project: RunTests) -> RunScript:
    """Runs a project whose ``runtests.py`` is *text*, with *files* more."""

    def run(
        text: str, *labels: str, files: dict[str, str] | None = None, bootstrap: str = "runtests.py", **spec: object
    ) -> Journal:
        project({**FILES, "runtests.py": text, **(files or {})})
        return run_project(*labels, bootstrap=tuple(bootstrap.split()), **{"settings": None, **spec})

    return run


def calls(body: str) -> str:
    """A script that configures Django and then runs *body*."""
    return f"{CONFIGURE}\nconfigure()\nimport django\ndjango.setup()\n{body}\n"


class TestScripts:
    def test_the_labels_that_it_passes_run(self, run_script: RunScript) -> None:
        journal = run_script(RUNTESTS, bootstrap="runtests.py --database=postgres")
        assert journal.status == 0
        assert journal.outcomes() == GREEN
        assert journal.final("test_slow").stdout.strip() == "['runtests.py', '--database=postgres'] postgres"
        found = journal.one(TopologyFound)
        assert (found.topology.names, found.settings) == (("default", "other"), "runtests.py --database=postgres")

    @pytest.mark.parametrize(
        "body",
        [
            'from django.test.utils import get_runner\nget_runner(settings)(verbosity=1).run_tests(["shop", "more"])',
            "from django.core.management import execute_from_command_line\n"
            'execute_from_command_line([sys.argv[0], "test", "--parallel", "2", "shop", "more"])',
            'from django.core.management import call_command\ncall_command("test", "shop", "more", verbosity=0)',
        ],
        ids=["get_runner", "execute_from_command_line", "call_command"],
    )
    def test_each_way_to_run_them(self, run_script: RunScript, body: str) -> None:
        journal = run_script(calls(body))
        assert (journal.status, journal.outcomes()) == (0, GREEN)

    def test_a_runner_of_its_own(self, run_script: RunScript) -> None:
        body = """
from django.test.runner import DiscoverRunner
class Own(DiscoverRunner):
    def run_tests(self, labels, **kwargs):
        print("own runner", file=sys.stderr)
        return super().run_tests(labels, **kwargs)
    def build_suite(self, labels=None, **kwargs):
        return super().build_suite([*labels, "more"], **kwargs)
Own().run_tests(["shop"])
"""
        journal = run_script(calls(body))
        assert (journal.status, journal.outcomes()) == (0, GREEN)
        assert journal.stderr.count("own runner") == 1

    def test_a_script_in_a_folder_of_its_own(self, run_script: RunScript) -> None:
        files = {"tools/run.py": RUNTESTS, "tools/local.py": "", "shop/tests.py": TESTS + "import local\n"}
        journal = run_script("", files=files, bootstrap="tools/run.py")
        assert (journal.status, journal.outcomes()) == (0, GREEN)

    def test_a_module(self, run_script: RunScript) -> None:
        files = {"tools/__init__.py": "", "tools/run.py": f"from . import local\n{RUNTESTS}", "tools/local.py": ""}
        journal = run_script("", files=files, bootstrap="-m tools.run")
        assert (journal.status, journal.outcomes()) == (0, GREEN)

    def test_an_installed_command(self, run_script: RunScript) -> None:
        settings = "from settings import *\nINSTALLED_APPS = ['shop']\nDATABASES['other'] = DATABASES['default']\n"
        files = {"for_tests.py": settings}
        journal = run_script(
            "", files=files, bootstrap="django-admin test shop more --settings=for_tests --pythonpath=."
        )
        assert (journal.status, journal.outcomes()) == (0, GREEN)

    def test_tests_that_fail_are_red_once(self, run_script: RunScript) -> None:
        files = {"more/tests.py": MORE.format('self.fail("red")')}
        journal = run_script(RUNTESTS, files=files)
        assert journal.status == ExitCode.TESTS_FAILED
        assert journal.outcomes() == {**GREEN, "MoreTests.test_more": "FAILED"}

    def test_the_plan_alone(self, run_script: RunScript) -> None:
        journal = run_script(RUNTESTS, plan_only=True)
        assert journal.status == ExitCode.NO_TESTS
        assert not journal.all(RunPlanned)


class TestConfigurationAlone:
    @pytest.mark.parametrize(
        ("text", "bootstrap"),
        [
            (CONFIGURE, "runtests:configure"),
            (f"{CONFIGURE}\nconfigure()\n", "runtests.py"),
            (calls(""), "runtests.py"),
            (f"{CONFIGURE}\nconfigure()\nsys.exit(0)\n", "runtests.py"),
            ('import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "for_tests"\n', "runtests.py"),
        ],
        ids=["function", "file", "with-setup", "exit", "variable"],
    )
    def test_the_tests_run_as_with_manage_py(self, run_script: RunScript, text: str, bootstrap: str) -> None:
        module = "from settings import *\nINSTALLED_APPS = ['shop']\nDATABASES['other'] = DATABASES['default']\n"
        journal = run_script(text, "shop", "more", files={"for_tests.py": module}, bootstrap=bootstrap)
        assert (journal.status, journal.outcomes()) == (0, GREEN)
        assert journal.final("test_slow").stdout.strip() == "['manage.py', 'test', 'shop', 'more']"


WITH_EXAMPLE = {"example/tests.py": MORE.format("pass").replace("More", "Example")}


class TestExamples:
    def test_a_library_runs_without_its_examples(self, run_script: RunScript) -> None:
        journal = run_script(CONFIGURE, files=WITH_EXAMPLE, bootstrap="runtests:configure")
        assert (journal.status, journal.outcomes()) == (0, GREEN)
        text = "example is not tested: none of its apps is installed. harness ci . runs all tests."
        assert journal.notices("examples-left-out") == [text]

    def test_a_label_asks_for_them(self, run_script: RunScript) -> None:
        journal = run_script(CONFIGURE, ".", files=WITH_EXAMPLE, bootstrap="runtests:configure")
        assert journal.outcomes() == {**GREEN, "ExampleTests.test_more": "PASSED"}

    def test_with_a_manage_py_its_tests_are_right(self, run_script: RunScript, run_project: RunTests) -> None:
        manage = "import os\nos.environ['DJANGO_SETTINGS_MODULE'] = 'of_manage'\n"
        settings = "from settings import *\nINSTALLED_APPS = ['shop']\nDATABASES['other'] = DATABASES['default']\n"
        run_script(CONFIGURE, plan_only=True, files={**WITH_EXAMPLE, "manage.py": manage, "of_manage.py": settings})
        journal = run_project(script="manage.py", settings=None)
        assert journal.outcomes() == {**GREEN, "ExampleTests.test_more": "PASSED"}


class TestChoice:
    def test_labels_of_the_user_run_once_in_place_of_its_own(self, run_script: RunScript) -> None:
        journal = run_script(RUNTESTS, "shop.tests.Tests.test_rows", "more")
        assert (journal.status, journal.outcomes()) == (0, {key: GREEN[key] for key in GREEN if "slow" not in key})

    def test_a_script_that_takes_labels_gets_them(self, run_script: RunScript) -> None:
        body = """
print(sys.argv, file=sys.stderr)
from django.core.management import call_command
call_command("test", *sys.argv[1:])
"""
        journal = run_script(calls(body), "more", bootstrap="runtests.py {labels}")
        assert (journal.status, list(journal.outcomes())) == (0, ["MoreTests.test_more"])
        assert "['runtests.py', 'more']" in journal.stderr

    def test_a_label_that_names_nothing_starts_no_server(self, run_script: RunScript) -> None:
        journal = run_script(RUNTESTS, "shopp")
        assert journal.status == ExitCode.PROJECT
        assert journal.aborted.message == "No test matches the label 'shopp'."
        assert not journal.all(TopologyFound)

    def test_options_of_the_user_are_added_to_its_own(self, run_script: RunScript) -> None:
        journal = run_script(RUNTESTS, django=("--exclude-tag=slow", "-k=more"))
        assert list(journal.outcomes()) == ["MoreTests.test_more"]
        journal = run_script(RUNTESTS, django=("--tag=slow",))
        assert list(journal.outcomes()) == ["Tests.test_slow"]

    def test_a_replay_is_one_run(self, run_script: RunScript) -> None:
        replay = ("more.tests.MoreTests.test_more", "shop.tests.Tests.test_rows")
        journal = run_script(RUNTESTS, replay=replay)
        assert journal.status == 0
        assert [each.test for each in journal.attempts] == list(replay)


class TestSettings:
    MODULE = "from settings import *\nINSTALLED_APPS = ['shop']\nDATABASES['other'] = DATABASES['default']\n"

    @pytest.fixture
    def run_named(self, run_script: RunScript) -> Callable[[str], Journal]:
        def run(body: str) -> Journal:
            text = f'import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "of_script"\n{body}'
            files = dict.fromkeys(("of_user.py", "of_script.py"), self.MODULE)
            return run_script(text, files=files, settings="of_user")

        return run

    def test_a_module_of_the_users_replaces_its_own(self, run_named: Callable[[str], Journal]) -> None:
        body = "import django\ndjango.setup()\nfrom django.core.management import call_command\n"
        journal = run_named(body + 'call_command("test", "shop", "more")\n')
        assert (journal.status, journal.outcomes()) == (0, GREEN)
        assert journal.one(TopologyFound).settings == "of_user"

    @pytest.mark.parametrize("text", [RUNTESTS, ""], ids=["configured", "loaded"])
    def test_one_that_comes_too_late_is_a_notice(
        self, run_script: RunScript, run_named: Callable[[str], Journal], text: str
    ) -> None:
        body = (
            "from django.core.management import execute_from_command_line as run\nrun(['x', 'test', 'shop', 'more'])\n"
        )
        journal = run_script(text, settings="of_user") if text else run_named(body)
        assert (journal.status, journal.outcomes()) == (0, GREEN)
        loaded = "settings of its own" if text else "of_script"
        assert journal.notices("settings-unused") == [
            f"runtests.py has loaded {loaded}: the settings of_user are not used."
        ]


class TestFaults:
    @pytest.fixture
    def aborted(self, run_script: RunScript) -> RunScript:
        def run(text: str, **rest: object) -> Journal:
            journal = run_script(text, **rest)
            assert journal.status == ExitCode.PROJECT
            return journal

        return functools.partial(run)

    def test_one_that_raises_is_named_with_its_traceback(self, aborted: RunScript) -> None:
        error = aborted("def main():\n    raise ValueError('no')\nmain()\n").aborted
        assert error.message == "runtests.py did not come as far as Django: ValueError: no"
        assert 'runtests.py", line 2, in main' in error.evidence
        assert "harness/" not in error.evidence
        assert "frozen" not in error.evidence

    def test_a_function_that_raises(self, aborted: RunScript) -> None:
        error = aborted("def configure():\n    raise ValueError('no')\n", bootstrap="runtests:configure").aborted
        assert error.message == "runtests:configure did not come as far as Django: ValueError: no"

    def test_an_argument_that_it_does_not_take(self, aborted: RunScript) -> None:
        journal = aborted(RUNTESTS, bootstrap="runtests.py --colour")
        assert journal.aborted.message == "runtests.py --colour ended with status 2 before it came to Django."
        assert "unrecognized arguments: --colour" in journal.stderr

    def test_one_that_never_configures(self, aborted: RunScript) -> None:
        error = aborted("import sys\n").aborted
        assert error.message.startswith("runtests.py ended without configuring Django")
        assert 'bootstrap = "runtests.py"' in error.hint

    def test_settings_that_are_configured_too_late(self, aborted: RunScript) -> None:
        error = aborted("import django\ndjango.setup()\n").aborted
        assert error.message.startswith("The settings of runtests.py cannot be loaded: ImproperlyConfigured")

    @pytest.mark.parametrize(
        ("bootstrap", "message"),
        [
            ("runtests:confgure", "bootstrap names runtests:confgure, but runtests has no confgure."),
            ("no-such-command test", "The command no-such-command of bootstrap is not installed where the tests run."),
        ],
    )
    def test_one_that_is_not_there(self, aborted: RunScript, bootstrap: str, message: str) -> None:
        assert aborted(CONFIGURE, bootstrap=bootstrap).aborted.message == message

    def test_a_module_that_is_not_there(self, aborted: RunScript) -> None:
        error = aborted("", bootstrap="no_such_module:configure").aborted
        assert "no_such_module" in error.message

    def test_apps_that_cannot_be_loaded(self, aborted: RunScript) -> None:
        error = aborted(RUNTESTS, files={"shop/models.py": "import no_such_package\n"}).aborted
        assert error.message.startswith("The project's tests could not be run: ModuleNotFoundError")
        assert "no_such_package is not installed where the tests run" in error.hint

    def test_one_that_fails_after_its_tests(self, aborted: RunScript) -> None:
        journal = aborted(RUNTESTS.replace("sys.exit(failures)", "1 / 0"))
        assert journal.outcomes() == GREEN
        assert journal.aborted.message == "runtests.py failed after its tests: ZeroDivisionError: division by zero"

    def test_a_status_that_no_test_explains_is_red(self, run_script: RunScript) -> None:
        journal = run_script(RUNTESTS.replace("sys.exit(failures)", "sys.exit(3)"))
        assert (journal.status, journal.outcomes()) == (ExitCode.TESTS_FAILED, GREEN)
        assert journal.notices("script-status") == [
            "runtests.py ended with status 3, though no test is red: that is a failure."
        ]

    def test_an_error_that_it_catches_ends_the_run(self, aborted: RunScript) -> None:
        text = RUNTESTS.replace("    main()", "    try:\n        main()\n    except BaseException:\n        pass")
        text = text.replace('DATABASES={"default": {', 'DATABASES={"default": "", "third": {')
        assert aborted(text).aborted.message == "DATABASES['default'] is a str, not a dictionary."

    def test_one_that_makes_a_runner_and_runs_nothing(self, run_script: RunScript) -> None:
        journal = run_script(calls("from django.test.runner import DiscoverRunner\nDiscoverRunner()"))
        assert journal.status == ExitCode.NO_TESTS
