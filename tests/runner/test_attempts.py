"""Each attempt has a test object of its own, so that nothing of one test is alive while the next runs."""

import pytest

from tests.runner.conversation import MakeProject, RunTests

KEPT = """
import unittest, weakref
from django.test import SimpleTestCase

alive = weakref.WeakSet()

class Backend:
    pass

class {name}({base}):
    def setUp(self):
        self.assertEqual(len(alive), 0)
        self.backend = Backend()
        alive.add(self.backend)

    {prefix}def test_a(self): pass
    {prefix}def test_b(self): pass
    {prefix}def test_c(self): pass
"""


@pytest.mark.parametrize(
    ("base", "prefix"),
    [("SimpleTestCase", ""), ("unittest.TestCase", ""), ("unittest.IsolatedAsyncioTestCase", "async ")],
)
def test_what_a_test_holds_is_gone_when_the_next_begins(
    project: MakeProject, run_project: RunTests, base: str, prefix: str
) -> None:
    project({"tests.py": KEPT.format(name="Tests", base=base, prefix=prefix)})
    journal = run_project("tests", workers=1)
    assert journal.outcomes() == {"Tests.test_a": "PASSED", "Tests.test_b": "PASSED", "Tests.test_c": "PASSED"}


DELEGATING = """
from django.test import SimpleTestCase

class Tests(SimpleTestCase):
    def __init__(self, name):
        super().__init__(name)
        self.shop = "by its constructor"

    def __getattr__(self, name):
        return getattr(self.shop, name)

    def test_it(self):
        self.assertEqual(self.upper(), "BY ITS CONSTRUCTOR")
"""


def test_a_test_keeps_and_may_delegate_to_attributes_of_init(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": DELEGATING})
    assert run_project("tests", workers=1).outcomes() == {"Tests.test_it": "PASSED"}


CAUGHT = """
import gc, weakref
from django.db import DatabaseError, connection, transaction
from django.test import TestCase

class Thing:
    pass

class Tests(TestCase):
    def provoke(self):
        thing = Thing()
        self.thing = weakref.ref(thing)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")

    def test_it(self):
        try:
            self.provoke()
        except DatabaseError:
            pass
        gc.collect()
        self.assertIsNone(self.thing())
"""


def test_a_caught_database_error_keeps_nothing_alive(project: MakeProject, run_project: RunTests) -> None:
    project({"tests.py": CAUGHT})
    assert run_project("tests", workers=1).outcomes() == {"Tests.test_it": "PASSED"}


TEMPLATES = """
from django.template import Context, Engine
from django.test import SimpleTestCase

ENGINE = Engine(dirs=["pages"])

class Tests(SimpleTestCase):
    def test_a_template_that_cannot_be_compiled(self):
        ENGINE.get_template("wrong.html")

    def test_a_method_that_raises(self):
        class Order:
            def total(self):
                return 1 // 0
        ENGINE.get_template("outer.html").render(Context({"order": Order()}))
"""


def test_an_error_in_a_template_is_reported_with_its_place(project: MakeProject, run_project: RunTests) -> None:
    project(
        {
            "tests.py": TEMPLATES,
            "pages/outer.html": "<p>\n\n{% include 'inner.html' %}",
            "pages/inner.html": "\n{{ order.total }}{% if order %}\n{{ order.total }}{% endif %}",
            "pages/wrong.html": "<p>\n<p>\n<p>{{ x|nothing }}",
        }
    )
    journal = run_project("tests", workers=1)
    shown = {
        name: [line.text for line in journal.final(f"Tests.{name}").failures[0].brief]
        for name in ("test_a_template_that_cannot_be_compiled", "test_a_method_that_raises")
    }
    assert "pages/wrong.html:3: in this template" in shown["test_a_template_that_cannot_be_compiled"]
    lines = shown["test_a_method_that_raises"]
    assert "pages/inner.html:2: in this template" in lines
    assert [line for line in lines if line.startswith("tests.py:")][-1] == "tests.py:14: return 1 // 0"
    assert lines[-1] == "ZeroDivisionError: integer division or modulo by zero"
