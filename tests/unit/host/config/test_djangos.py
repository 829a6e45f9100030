"""The values of ``--django``: their spelling, and the Pythons that they need."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.host.config.djangos import check_python, read_djangos
from tests.unit.host.config.conftest import load, refuse


class TestValues:
    def test_flags_commas_variables_and_the_file_name_several(self, project: Path) -> None:
        expected = ("5.2", "6.1")
        assert load(project, django=("5.2", "6.1")).django == expected
        assert load(project, django=("5.2, 6.1,",)).django == expected
        assert load(project, environ={"HARNESS_DJANGO": "5.2 6.1"}).django == expected
        assert load(project, environ={"HARNESS_DJANGO": "5.2, 6.1"}).django == expected
        assert load(project, 'django = ["5.2", "6.1"]').django == expected

    def test_a_flag_chooses_one_of_those_in_the_file(self, project: Path) -> None:
        config = load(project, 'django = ["5.2", "6.1"]', django=("6.1",))
        assert (config.django, config.run_django, config.sources["django"]) == (("6.1",), "6.1", "--django")

    def test_without_a_value_the_dependencies_decide(self, project: Path) -> None:
        assert (load(project).django, load(project).run_django) == ((), "")

    @pytest.mark.parametrize(
        ("value", "hint"),
        [
            ("5", "Write 5.2 for the newest 5.2.x"),
            ("latest", "Write 5.2 for the newest 5.2.x"),
            (">=5.2", "Write 5.2 for the newest 5.2.x"),
            ("main", "extra_install = "),
        ],
    )
    def test_another_word_is_an_error_with_the_spelling(self, project: Path, value: str, hint: str) -> None:
        error = refuse(project, django=(value,))
        assert "--django" in error.message
        assert "is no version of Django" in error.message
        assert hint in error.hint

    def test_a_version_that_the_runner_cannot_use_is_an_error(self) -> None:
        with pytest.raises(UsageError, match=r"--django: Django 3\.2\.25 is too old") as caught:
            read_djangos(["3.2.25"], "--django")
        assert caught.value.hint == "The harness runs Django 4.2 and later."

    def test_a_version_twice_is_an_error(self) -> None:
        with pytest.raises(UsageError, match=r"--django: Django 5\.2 twice"):
            read_djangos(["5.2,6.1", "5.2"], "--django")


class TestPython:
    def test_a_python_that_is_too_old_is_an_error_with_the_flag(self) -> None:
        with pytest.raises(
            UsageError, match=r"Django 6\.1 requires Python 3\.12 or later, and .* Python 3\.11\."
        ) as caught:
            check_python("6.1", ["3.11"])
        assert "--python 3.12" in caught.value.hint

    @pytest.mark.parametrize(("django", "python"), [("6.1", "3.12"), ("5.2", "3.11"), ("7.0", "3.11"), ("", "3.11")])
    def test_any_other_pair_is_tried(self, django: str, python: str) -> None:
        check_python(django, [python])
