"""Exceptions that are hard to carry from one process to another, or to print."""

import threading
import unittest

from expectations import expect


class NeedsTwo(Exception):
    """Cannot be made again from ``args``, as pickle would."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")
        self.first, self.second = first, second


class HoldsALock(Exception):
    def __init__(self, message):
        super().__init__(message)
        self.lock = threading.Lock()


class BadStr(Exception):
    def __str__(self):
        raise RuntimeError("no str")


class BadRepr(Exception):
    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __repr__


class StrIsNoStr(Exception):
    def __str__(self):
        return 42


class UnpicklableFailure(AssertionError):
    def __init__(self, first, second):
        super().__init__(f"{first} is not {second}")
        self.callback = lambda: None


class Printer:
    def __repr__(self):
        raise ValueError("a local variable that cannot be printed")


class ExceptionTests(unittest.TestCase):
    @expect("ERRORED")
    def test_cannot_be_pickled(self):
        raise HoldsALock("with a lock inside")

    @expect("ERRORED")
    def test_cannot_be_unpickled(self):
        raise NeedsTwo("one", "two")

    @expect("FAILED")
    def test_failure_that_cannot_be_pickled(self):
        raise UnpicklableFailure(1, 2)

    @expect("ERRORED")
    def test_class_of_a_function(self):
        class Local(Exception):
            pass

        raise Local("its class can be found nowhere")

    @expect("ERRORED")
    def test_bad_str(self):
        raise BadStr

    @expect("ERRORED")
    def test_bad_repr(self):
        raise BadRepr("x")

    @expect("ERRORED")
    def test_str_that_is_none(self):
        raise StrIsNoStr

    @expect("ERRORED")
    def test_local_variable_with_a_bad_repr(self):
        printer = Printer()
        raise RuntimeError(f"beside a {type(printer).__name__}")

    @expect("ERRORED")
    def test_explicit_chain(self):
        try:
            int("x")
        except ValueError as error:
            raise LookupError("the second of two") from error

    @expect("ERRORED")
    def test_implicit_chain(self):
        try:
            int("x")
        except ValueError:
            {}["the second of two"]

    @expect("FAILED")
    def test_failure_while_handling_an_error(self):
        try:
            int("x")
        except ValueError:
            self.fail("while handling")

    @expect("ERRORED")
    def test_chain_that_closes_on_itself(self):
        first, second = ValueError("first"), ValueError("second")
        first.__cause__, second.__cause__ = second, first
        raise first

    @expect("ERRORED")
    def test_group(self):
        def fail(number):
            try:
                raise ValueError(f"number {number}")
            except ValueError as error:
                return error

        raise ExceptionGroup("three at once", [fail(1), ExceptionGroup("two of them", [fail(2), fail(3)])])

    @expect("ERRORED")
    def test_notes(self):
        error = ValueError("with notes")
        error.add_note("the first note")
        error.add_note("the second note, with \x00 in it")
        raise error

    @expect("ERRORED")
    def test_recursion(self):
        def deeper(level):
            return deeper(level + 1) + 1

        deeper(0)

    @expect("ERRORED")
    def test_source_that_is_not_there(self):
        exec(compile("def f():\n    raise RuntimeError('from no file')\nf()", "<made up>", "exec"))

    @expect("ERRORED")
    def test_base_exception(self):
        raise GeneratorExit("neither an Exception nor an exit")


class MessageTests(unittest.TestCase):
    @expect("FAILED")
    def test_unicode(self):
        self.assertEqual("naïve café 東京 🙈 ‏עברית", "")

    @expect("FAILED")
    def test_control_characters(self):
        self.fail("\x00\x01\x08\x0b\x0c\x1b[31mred\x1b[0m\x7f\x85\ufffe\uffff end")

    @expect("FAILED")
    def test_lone_surrogates(self):
        self.fail("before \udcff \ud800 after")

    @expect("FAILED")
    def test_markup(self):
        self.fail("]]> <![CDATA[ & < > \" ' <!-- --> </failure>")

    @expect("FAILED")
    def test_lines(self):
        self.fail("first line\r\nsecond line\rthird line\n\n\tfourth line\n")

    @expect("FAILED")
    def test_a_megabyte(self):
        self.fail("x" * 1_000_000)

    @expect("FAILED")
    def test_commands(self):
        self.fail("\n::error file=a.py,line=1::injected\n##[error]injected\n::stop-commands::token\n")

    @expect("ERRORED")
    def test_error_without_a_message(self):
        raise ValueError

    @expect("ERRORED")
    def test_error_of_bytes_and_none(self):
        raise ValueError(b"\xff", None, {"key": object})
