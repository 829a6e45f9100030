"""A failure in a few lines: the frames of a traceback that stay, and the limits for one test."""

import json
import sysconfig
import textwrap
import traceback
from pathlib import Path

import pytest

from harness.protocol.events import BriefLine, Failure, Outcome, PlannedTest
from harness.report.model import excerpt
from harness.report.model.run_report import Attempt, Case
from harness.runner import excerpt as inside_brief
from harness.runner.failures import FailureDescriber

ROOT = "/project"
DESCRIBER = FailureDescriber(ROOT)


def raised(source: str, name: str = f"{ROOT}/shop/models.py") -> BaseException:
    """The exception that *source* raises as the code of a file called *name*."""
    try:
        exec(compile(textwrap.dedent(source), name, "exec"), {"json": json})
    except Exception as error:  # noqa: BLE001 - it is what the test is about
        error.__traceback__ = error.__traceback__.tb_next  # this file's frame
        return error
    raise AssertionError("nothing was raised")


def told(error: BaseException) -> list[tuple[str, str]]:
    lines = DESCRIBER.describe((type(error), error, error.__traceback__), "error").brief
    return [(line.kind, line.text) for line in lines]


class TestException:
    def test_frames_of_packages_are_folded(self) -> None:
        assert told(raised("json.loads('x')")) == [
            ("frame", "shop/models.py:1 in <module>"),
            ("folded", "... 3 frames of json"),
            ("error", "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        ]

    def test_the_last_frame_is_told_where_none_is_the_projects(self) -> None:
        error = raised("json.loads('x')")
        error.__traceback__ = error.__traceback__.tb_next
        place = f"json/decoder.py:{traceback.extract_tb(error.__traceback__)[-1].lineno}"
        kinds, texts = zip(*told(error), strict=True)
        assert kinds == ("folded", "folded", "error")
        assert texts[0] == "... 2 frames of json"
        assert texts[1].startswith(f"... {place}: raise ")

    def test_source_stands_behind_the_place(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        path.write_text("def f():\n    return 1 / 0\n\n\nf()\n")
        error = raised(path.read_text(), str(path))
        lines = FailureDescriber(str(tmp_path)).describe((type(error), error, error.__traceback__), "error").brief
        assert [line.text for line in lines] == [
            "a.py:5: f()",
            "a.py:2: return 1 / 0",
            "ZeroDivisionError: division by zero",
        ]

    def test_what_a_framework_says_again_in_its_own_words_is_told_once(self) -> None:
        error = raised("raise ValueError('Expecting value: line 1 column 1 (char 0)')")
        cause = raised("json.loads('x')")
        cause.__traceback__ = cause.__traceback__.tb_next  # a driver's exception passes through no code of the project
        error.__cause__ = cause
        assert told(error) == [
            ("frame", "shop/models.py:1 in <module>"),
            ("error", "ValueError: Expecting value: line 1 column 1 (char 0)"),
        ]

    def test_what_the_project_raised_before_is_told(self) -> None:
        source = """
            try:
                {}['sku']
            except KeyError as error:
                raise ValueError('no product') from error
        """
        assert told(raised(source)) == [
            ("frame", "shop/models.py:3 in <module>"),
            ("error", "KeyError: 'sku'"),
            ("folded", "which directly caused:"),
            ("frame", "shop/models.py:5 in <module>"),
            ("error", "ValueError: no product"),
        ]
        assert ("folded", "while that was handled:") in told(raised(source.replace(" from error", "")))
        assert len(told(raised(source.replace("from error", "from None")))) == 2

    def test_a_long_chain_keeps_its_end(self) -> None:
        error = raised("raise ValueError(0)")
        for number in range(1, 10):
            following = raised(f"raise ValueError({number})")
            following.__context__ = error
            error = following
        lines = told(error)
        assert lines[0] == ("folded", "... 6 exceptions before")
        assert [text for kind, text in lines if kind == "error"] == [f"ValueError: {number}" for number in (6, 7, 8, 9)]

    def test_a_chain_that_closes_on_itself_ends(self) -> None:
        one, two = raised("raise ValueError(1)"), raised("raise ValueError(2)")
        one.__context__, two.__context__ = two, one
        assert [text for kind, text in told(one) if kind == "error"] == ["ValueError: 2", "ValueError: 1"]

    def test_the_exceptions_of_a_group_are_told_below_it(self) -> None:
        lines = told(raised("raise ExceptionGroup('both', [ValueError(1), ExceptionGroup('in', [KeyError(2)])])"))
        assert [text for _, text in lines] == [
            "shop/models.py:1 in <module>",
            "ExceptionGroup: both (2 sub-exceptions)",
            "  ValueError: 1",
            "  ExceptionGroup: in (1 sub-exception)",
            "    KeyError: 2",
        ]

    def test_recursion_is_one_line(self) -> None:
        lines = told(raised("def f(): f()\nf()"))
        assert lines[0] == ("frame", "shop/models.py:2 in <module>")
        assert lines[1] == ("frame", "shop/models.py:1 in f")
        assert lines[2][0] == "folded"
        assert lines[2][1].endswith(" times more")
        assert lines[3] == ("error", "RecursionError: maximum recursion depth exceeded")

    def test_a_long_way_through_the_project_loses_its_middle(self) -> None:
        lines = told(raised("\n".join(f"def f{n}(): f{n + 1}()" for n in range(40)) + "\ndef f40(): 1 / 0\nf0()"))
        assert len(lines) == 2 * inside_brief.FRAMES + 1
        assert ("folded", "... 19 lines of frames") in lines
        assert lines[-2:] == [("frame", "shop/models.py:41 in f40"), ("error", "ZeroDivisionError: division by zero")]

    def test_the_traceback_in_a_message_is_made_short_too(self) -> None:
        """unittest puts the traceback of a module that cannot be imported into the message."""
        standard = sysconfig.get_paths()["stdlib"]
        message = textwrap.dedent(f"""\
            Failed to import test module: shop.tests
            Traceback (most recent call last):
              File "{standard}/unittest/loader.py", line 396, in _find_test_path
                module = self._get_module_from_name(name)
                         ~~~~~~~~~~~~~~~~~~~~~~~~~~^^^^^^
              File "{ROOT}/shop/tests.py", line 1, in <module>
                import nothing
            ModuleNotFoundError: No module named 'nothing'
            """)
        assert told(ImportError(message)) == [
            ("error", "ImportError: Failed to import test module: shop.tests"),
            ("folded", "... 1 frame of unittest"),
            ("frame", "shop/tests.py:1: import nothing"),
            ("error", "ModuleNotFoundError: No module named 'nothing'"),
        ]

    def test_notes_and_every_line_of_a_message_are_told(self) -> None:
        error = raised("raise ValueError('one\\ntwo')")
        error.add_note("a note")
        assert [text for kind, text in told(error) if kind == "error"] == ["ValueError: one", "two", "a note"]

    def test_a_message_of_megabytes_is_cut(self) -> None:
        error = raised("raise ValueError('x' * 1_000_000)")
        assert sum(len(text) for _, text in told(error)) < 25_000

    def test_what_cannot_be_made_short_is_told_in_full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise SystemExit("a bug")

        monkeypatch.setattr(inside_brief, "of_exception", fail)
        error = raised("1 / 0")
        failure = DESCRIBER.describe((type(error), error, error.__traceback__), "error")
        assert failure.brief == ()
        assert failure.traceback.endswith("ZeroDivisionError: division by zero\n")

    @pytest.mark.parametrize(
        ("file", "package"),
        [
            ("/opt/venv/lib/python3.13/site-packages/django/db/utils.py", "django"),
            ("/usr/lib/python3/dist-packages/six.py", "six"),
            ("/project/.venv/lib/python3.13/site-packages/psycopg/cursor.py", "psycopg"),
            (f"{sysconfig.get_paths()['stdlib']}/unittest/case.py", "unittest"),
            (json.__file__, "json"),
            ("<frozen importlib._bootstrap>", "importlib"),
            (inside_brief.__file__, "harness"),
        ],
    )
    def test_package_of(self, file: str, package: str) -> None:
        assert inside_brief.is_framework(file)
        assert inside_brief.package_of(file) == package

    @pytest.mark.parametrize("file", ["/project/shop/models.py", "/srv/shared/lib.py", "<string>", "<made up>"])
    def test_what_was_not_installed_is_the_projects(self, file: str) -> None:
        assert not inside_brief.is_framework(file)


STACKS = f"""\
Fatal Python error: Segmentation fault

Thread 0x00007f01 (most recent call first):
  File "{sysconfig.get_paths()["stdlib"]}/threading.py", line 331 in wait
  File "/project/shop/queue.py", line 9 in run

Current thread 0x00007f02 (most recent call first):
  File "/opt/venv/lib/python3.13/site-packages/psycopg/connection.py", line 495 in wait
  File "/project/shop/tests.py", line 44 in test_1
  File "{sysconfig.get_paths()["stdlib"]}/unittest/case.py", line 606 in _callTestMethod
  File "{Path(inside_brief.__file__).parent}/worker.py", line 220 in _run_class

Extension modules: psycopg_binary.pq (total: 1)
"""


def test_the_stacks_of_a_process_that_died() -> None:
    assert [line.text for line in inside_brief.of_stacks(STACKS, DESCRIBER.relative)] == [
        "Fatal Python error: Segmentation fault",
        "Thread 0x00007f01 (most recent call first):",
        "... 1 frame of threading",
        "shop/queue.py:9 in run",
        "Current thread 0x00007f02 (most recent call first):",
        "... 1 frame of psycopg",
        "shop/tests.py:44 in test_1",
    ]
    assert inside_brief.of_stacks("", DESCRIBER.relative) == ()


def failure(text: str, subtest: str = "", *, is_brief: bool = True) -> Failure:
    short = (BriefLine("shop/tests.py:4: self.fail()", "frame"), BriefLine(text, "error")) if is_brief else ()
    return Failure("failure", "AssertionError", text, f"Traceback:\n  ...\n{text}", (), subtest, short)


def lines(*failures: Failure, outcome: Outcome = Outcome.FAILED, subtests: int = 0, reason: str = "") -> list[str]:
    attempt = Attempt(1, outcome, 0.1, failures=failures, subtests=subtests, reason=reason)
    case = Case(PlannedTest("shop.T.t", "shop.T", "t", "shop/tests.py", 3), outcome, (attempt,))
    return [line.text for line in excerpt.lines(case, attempt)]


class TestAttempt:
    def test_a_failure_of_an_older_journal_is_told_in_full(self) -> None:
        assert lines(failure("no", is_brief=False)) == ["Traceback:", "  ...", "no", "shop/tests.py:3"]

    def test_where_no_frame_is_known_the_tests_own_place_is_told(self) -> None:
        assert lines(outcome=Outcome.XPASSED, reason="it passed") == ["it passed", "shop/tests.py:3"]

    def test_of_many_subtests_the_first_are_told_and_the_others_named(self) -> None:
        told = lines(*(failure("no", f"(n={n})") for n in range(5)), subtests=9)
        assert told[0] == "5 of 9 subTests failed"
        assert told[1:4] == ["subTest (n=0)", "shop/tests.py:4: self.fail()", "no"]
        assert told[-1] == "... 2 more subTests: (n=3), (n=4)"

    def test_a_long_message_keeps_its_ends(self) -> None:
        text = "\n".join(f"line {n}" for n in range(500))
        told = lines(failure(text))
        assert len(told) == excerpt.ERROR_LINES + 2
        assert told[-1] == "line 499"
        (page,) = [line for line in lines(failure("x" * 50_000)) if "xxx" in line]
        assert len(page) < excerpt.LINE_CHARACTERS + 100
        assert "48,000 characters left out" in page

    def test_nothing_that_it_says_moves_a_cursor(self) -> None:
        assert lines(failure("a\x1b[2Jb\u202ec\rd")) == [
            "shop/tests.py:4: self.fail()",
            "a\\x1b[2Jb\\u202ec",
            "d",
        ]
