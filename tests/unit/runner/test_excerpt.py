"""The frames and messages that the short form of a failure keeps."""

import json
import sysconfig
import textwrap
import traceback
from pathlib import Path

import pytest

from harness.runner import excerpt
from harness.runner.failures import FailureDescriber

ROOT = "/project"
DESCRIBER = FailureDescriber(ROOT)


def without_first_frame(error: BaseException) -> BaseException:
    """*error*, its traceback without the frame that is its outermost."""
    assert error.__traceback__ is not None
    return error.with_traceback(error.__traceback__.tb_next)


def raised(source: str, name: str = f"{ROOT}/shop/models.py") -> BaseException:
    """The exception that *source* raises as the code of a file called *name*."""
    try:
        exec(compile(textwrap.dedent(source), name, "exec"), {"json": json})
    except Exception as error:  # noqa: BLE001 - it is what the test is about
        return without_first_frame(error)
    raise AssertionError("nothing was raised")


def brief(error: BaseException) -> list[tuple[str, str]]:
    lines = DESCRIBER.describe((type(error), error, error.__traceback__), "error").brief
    return [(line.kind, line.text) for line in lines]


class TestException:
    def test_frames_of_packages_are_folded(self) -> None:
        assert brief(raised("json.loads('x')")) == [
            ("frame", "shop/models.py:1 in <module>"),
            ("folded", "... 3 frames of json"),
            ("error", "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"),
        ]

    def test_without_a_frame_of_the_project_the_last_one_is_shown(self) -> None:
        error = without_first_frame(raised("json.loads('x')"))
        place = f"json/decoder.py:{traceback.extract_tb(error.__traceback__)[-1].lineno}"
        kinds, texts = zip(*brief(error), strict=True)
        assert kinds == ("folded", "folded", "error")
        assert texts[0] == "... 2 frames of json"
        assert texts[1].startswith(f"... {place}: raise ")

    def test_a_frame_shows_its_source(self, tmp_path: Path) -> None:
        path = tmp_path / "a.py"
        path.write_text("def f():\n    return 1 / 0\n\n\nf()\n")
        error = raised(path.read_text(), str(path))
        lines = FailureDescriber(str(tmp_path)).describe((type(error), error, error.__traceback__), "error").brief
        assert [line.text for line in lines] == [
            "a.py:5: f()",
            "a.py:2: return 1 / 0",
            "ZeroDivisionError: division by zero",
        ]

    def test_an_exception_that_a_framework_wrapped_is_shown_once(self) -> None:
        error = raised("raise ValueError('Expecting value: line 1 column 1 (char 0)')")
        # a driver's exception passes through no code of the project
        error.__cause__ = without_first_frame(raised("json.loads('x')"))
        assert brief(error) == [
            ("frame", "shop/models.py:1 in <module>"),
            ("error", "ValueError: Expecting value: line 1 column 1 (char 0)"),
        ]

    def test_earlier_exceptions_of_the_project_are_shown(self) -> None:
        source = """
            try:
                {}['sku']
            except KeyError as error:
                raise ValueError('no product') from error
        """
        assert brief(raised(source)) == [
            ("frame", "shop/models.py:3 in <module>"),
            ("error", "KeyError: 'sku'"),
            ("folded", "which directly caused:"),
            ("frame", "shop/models.py:5 in <module>"),
            ("error", "ValueError: no product"),
        ]
        assert ("folded", "while that was handled:") in brief(raised(source.replace(" from error", "")))
        assert len(brief(raised(source.replace("from error", "from None")))) == 2

    def test_a_long_chain_keeps_its_end(self) -> None:
        error = raised("raise ValueError(0)")
        for number in range(1, 10):
            following = raised(f"raise ValueError({number})")
            following.__context__ = error
            error = following
        lines = brief(error)
        assert lines[0] == ("folded", "... 6 exceptions before")
        assert [text for kind, text in lines if kind == "error"] == [f"ValueError: {number}" for number in (6, 7, 8, 9)]

    def test_a_chain_that_closes_on_itself_ends(self) -> None:
        one, two = raised("raise ValueError(1)"), raised("raise ValueError(2)")
        one.__context__, two.__context__ = two, one
        assert [text for kind, text in brief(one) if kind == "error"] == ["ValueError: 2", "ValueError: 1"]

    def test_the_exceptions_of_a_group_stand_below_it(self) -> None:
        lines = brief(raised("raise ExceptionGroup('both', [ValueError(1), ExceptionGroup('in', [KeyError(2)])])"))
        assert [text for _, text in lines] == [
            "shop/models.py:1 in <module>",
            "ExceptionGroup: both (2 sub-exceptions)",
            "  ValueError: 1",
            "  ExceptionGroup: in (1 sub-exception)",
            "    KeyError: 2",
        ]

    def test_recursion_is_one_line(self) -> None:
        lines = brief(raised("def f(): f()\nf()"))
        assert lines[0] == ("frame", "shop/models.py:2 in <module>")
        assert lines[1] == ("frame", "shop/models.py:1 in f")
        assert lines[2][0] == "folded"
        assert lines[2][1].endswith(" times more")
        assert lines[3] == ("error", "RecursionError: maximum recursion depth exceeded")

    def test_a_long_traceback_loses_its_middle(self) -> None:
        lines = brief(raised("\n".join(f"def f{n}(): f{n + 1}()" for n in range(40)) + "\ndef f40(): 1 / 0\nf0()"))
        assert len(lines) == 2 * excerpt.FRAMES + 1
        assert ("folded", "... 19 lines of frames") in lines
        assert lines[-2:] == [("frame", "shop/models.py:41 in f40"), ("error", "ZeroDivisionError: division by zero")]

    def test_a_traceback_in_a_message_is_shortened(self) -> None:
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
        assert brief(ImportError(message)) == [
            ("error", "ImportError: Failed to import test module: shop.tests"),
            ("folded", "... 1 frame of unittest"),
            ("frame", "shop/tests.py:1: import nothing"),
            ("error", "ModuleNotFoundError: No module named 'nothing'"),
        ]

    def test_all_lines_of_a_message_and_its_notes_are_shown(self) -> None:
        error = raised("raise ValueError('one\\ntwo')")
        error.add_note("a note")
        assert [text for kind, text in brief(error) if kind == "error"] == ["ValueError: one", "two", "a note"]

    def test_a_message_of_megabytes_is_cut(self) -> None:
        error = raised("raise ValueError('x' * 1_000_000)")
        assert sum(len(text) for _, text in brief(error)) < 25_000

    def test_an_error_that_cannot_be_shortened_is_shown_in_full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise SystemExit("a bug")

        monkeypatch.setattr(excerpt, "of_exception", fail)
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
            (excerpt.__file__, "harness"),
        ],
    )
    def test_package_of(self, file: str, package: str) -> None:
        assert excerpt.is_framework(file)
        assert excerpt.package_of(file) == package

    @pytest.mark.parametrize("file", ["/project/shop/models.py", "/srv/shared/lib.py", "<string>", "<made up>"])
    def test_a_file_that_was_not_installed_is_the_projects(self, file: str) -> None:
        assert not excerpt.is_framework(file)


STACKS = f"""\
Fatal Python error: Segmentation fault

Thread 0x00007f01 (most recent call first):
  File "{sysconfig.get_paths()["stdlib"]}/threading.py", line 331 in wait
  File "/project/shop/queue.py", line 9 in run

Current thread 0x00007f02 (most recent call first):
  File "/opt/venv/lib/python3.13/site-packages/psycopg/connection.py", line 495 in wait
  File "/project/shop/tests.py", line 44 in test_1
  File "{sysconfig.get_paths()["stdlib"]}/unittest/case.py", line 606 in _callTestMethod
  File "{Path(excerpt.__file__).parent}/worker.py", line 220 in _run_class

Extension modules: psycopg_binary.pq (total: 1)
"""


def test_the_stacks_of_a_dead_process_are_shortened() -> None:
    assert [line.text for line in excerpt.of_stacks(STACKS, DESCRIBER.relative)] == [
        "Fatal Python error: Segmentation fault",
        "Thread 0x00007f01 (most recent call first):",
        "... 1 frame of threading",
        "shop/queue.py:9 in run",
        "Current thread 0x00007f02 (most recent call first):",
        "... 1 frame of psycopg",
        "shop/tests.py:44 in test_1",
    ]
    assert excerpt.of_stacks("", DESCRIBER.relative) == ()
