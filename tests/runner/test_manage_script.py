"""The project's ``manage.py`` is executed up to Django: whatever it sets up holds for the tests."""

from __future__ import annotations

from harness.errors import ExitCode
from tests.runner.conversation import Journal, MakeProject, RunTests

TESTS = """
import os, sys
from django.conf import settings
from django.test import SimpleTestCase

class Tests(SimpleTestCase):
    def test_one(self):
        print(settings.SETTINGS_MODULE, os.environ.get("COLOUR"), sys.argv[:2])
        {test}
"""
SCRIPT = """
import os, sys
{before}
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    {inside}
    from django.core.management import execute_from_command_line
    execute_from_command_line({argv})
    raise RuntimeError("Django's command does not return while a suite is set up")

if __name__ == "__main__":
    main()
"""


def script(before: str = "", inside: str = "pass", argv: str = "sys.argv") -> str:
    return SCRIPT.format(before=before, inside=inside, argv=argv)


def outcome(journal: Journal) -> str:
    assert journal.status == 0, journal.aborted
    (found,) = journal.outcomes().values()
    return found


class TestWhatItSetsUp:
    def test_a_path_that_it_appends(self, project: MakeProject, run_project: RunTests) -> None:
        manage = script('sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps"))')
        project(
            {
                "manage.py": manage,
                "apps/shop/__init__.py": "",
                "tests.py": TESTS.format(test="import shop"),
            },
            'INSTALLED_APPS = ["shop"]\n',
        )
        assert outcome(run_project(script="manage.py", settings=None)) == "PASSED"

    def test_a_variable(self, project: MakeProject, run_project: RunTests) -> None:
        manage = script(inside='os.environ["COLOUR"] = "red"')
        test = 'self.assertEqual(os.environ["COLOUR"], "red")'
        project({"manage.py": manage, "tests.py": TESTS.format(test=test)}, 'import os; os.environ["COLOUR"]\n')
        assert outcome(run_project(script="manage.py", settings=None)) == "PASSED"

    def test_the_settings_that_it_chooses_by_its_arguments(self, project: MakeProject, run_project: RunTests) -> None:
        inside = 'os.environ["DJANGO_SETTINGS_MODULE"] = "for_tests" if "test" in sys.argv else "none"'
        test = 'self.assertEqual(settings.SETTINGS_MODULE, "for_tests")'
        project(
            {
                "manage.py": script(inside=inside),
                "for_tests.py": "from settings import *\n",
                "tests.py": TESTS.format(test=test),
            }
        )
        assert outcome(run_project(script="manage.py", settings=None)) == "PASSED"

    def test_the_options_that_it_gives_django(self, project: MakeProject, run_project: RunTests) -> None:
        manage = script(argv='[*sys.argv, "--settings=for_tests", "--pythonpath", "apps"]')
        test = "import shop; self.assertEqual(settings.SETTINGS_MODULE, 'for_tests')"
        project(
            {
                "manage.py": manage,
                "for_tests.py": "from settings import *\n",
                "apps/shop/__init__.py": "",
                "tests.py": TESTS.format(test=test),
            }
        )
        assert outcome(run_project(script="manage.py", settings=None)) == "PASSED"

    def test_apps_that_it_loads_itself(self, project: MakeProject, run_project: RunTests) -> None:
        manage = script(inside="import django; django.setup(); from django.db import connection; connection.vendor")
        project({"manage.py": manage, "tests.py": TESTS.format(test="pass")})
        assert outcome(run_project(script="manage.py", settings=None)) == "PASSED"

    def test_an_entry_point_that_a_package_keeps_works_in_tests(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        starter = """
from django.core.management import execute_from_command_line

def start(argv):
    execute_from_command_line(argv)
"""
        manage = """
import os, sys
from starter import start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
start(sys.argv)
"""
        test = 'import starter; starter.start(["manage.py", "check"])'
        project({"manage.py": manage, "starter.py": starter, "tests.py": TESTS.format(test=test)})
        assert outcome(run_project(script="manage.py", settings=None)) == "PASSED"

    def test_settings_that_the_user_names_come_first(self, project: MakeProject, run_project: RunTests) -> None:
        inside = 'os.environ["DJANGO_SETTINGS_MODULE"] = "no_such"'
        project({"manage.py": script(inside=inside), "tests.py": TESTS.format(test="pass")})
        assert outcome(run_project(script="manage.py")) == "PASSED"

    def test_a_script_that_never_calls_django_still_names_settings(
        self, project: MakeProject, run_project: RunTests
    ) -> None:
        manage = 'import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "settings"\n'
        project({"manage.py": manage, "tests.py": TESTS.format(test="pass")})
        assert outcome(run_project(script="manage.py", settings=None)) == "PASSED"


class TestFaults:
    def test_one_that_raises_is_named_with_its_traceback(self, project: MakeProject, run_project: RunTests) -> None:
        project({"manage.py": script("import no_such_package"), "tests.py": TESTS.format(test="pass")})
        journal = run_project(script="manage.py", settings=None)
        assert journal.status == ExitCode.PROJECT
        assert journal.aborted.message.startswith("manage.py did not come as far as Django: ModuleNotFoundError")
        assert "manage.py" in journal.aborted.evidence
        assert "harness/runner" not in journal.aborted.evidence

    def test_one_that_ends_the_process_is_named(self, project: MakeProject, run_project: RunTests) -> None:
        project({"manage.py": script(inside='sys.exit("not without a licence")'), "tests.py": ""})
        journal = run_project(script="manage.py", settings=None)
        assert journal.status == ExitCode.PROJECT
        assert "SystemExit: not without a licence" in journal.aborted.message

    def test_a_variable_that_it_reads_is_named(self, project: MakeProject, run_project: RunTests) -> None:
        project({"manage.py": script('os.environ["NO_SUCH_KEY"]'), "tests.py": ""})
        journal = run_project(script="manage.py", settings=None)
        assert journal.aborted.message == "manage.py read 'NO_SUCH_KEY', which is not there."
        assert 'env = { NO_SUCH_KEY = "..." }' in journal.aborted.hint

    def test_one_that_names_no_settings(self, project: MakeProject, run_project: RunTests) -> None:
        project({"manage.py": "import sys\n", "tests.py": ""})
        journal = run_project(script="manage.py", settings=None)
        assert journal.status == ExitCode.PROJECT
        assert journal.aborted.message == "manage.py does not say which settings module is used."

    def test_with_settings_of_the_users_it_is_a_notice(self, project: MakeProject, run_project: RunTests) -> None:
        project({"manage.py": script("import no_such_package"), "tests.py": TESTS.format(test="pass")})
        journal = run_project(script="manage.py")
        assert outcome(journal) == "PASSED"
        (notice,) = journal.notices("manage-py")
        assert notice.startswith("manage.py did not come as far as Django (ModuleNotFoundError")
