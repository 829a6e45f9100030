import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.runner.project.label_names import as_django_label, check, is_missing, near, place_of, without_examples
from tests.files import write_files
from tests.unit.host.project.conftest import write


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("shop", "shop"),
        ("shop.tests.test_cart.CartTests.test_total", "shop.tests.test_cart.CartTests.test_total"),
        ("shop/tests", "shop/tests"),
        ("shop/tests/", "shop/tests/"),
        (".", "."),
        ("shop/tests/test_cart.py", "shop.tests.test_cart"),
        ("./shop/tests/test_cart.py", "shop.tests.test_cart"),
        ("shop//tests/../tests/test_cart.py", "shop.tests.test_cart"),
        ("test_cart.py", "test_cart"),
        ("shop/tests/test_cart.py::CartTests", "shop.tests.test_cart.CartTests"),
        ("shop/tests/test_cart.py::CartTests::test_total", "shop.tests.test_cart.CartTests.test_total"),
        ("shop/tests.py::CartTests::Inner::test_total", "shop.tests.CartTests.Inner.test_total"),
        ("shop.tests::CartTests::test_total", "shop.tests.CartTests.test_total"),
        ("shop.tests.CartTests.setUpClass", "shop.tests.CartTests"),
        ("shop.tests.setUpModule", "shop.tests"),
    ],
)
def test_a_label_takes_djangos_form(label: str, expected: str) -> None:
    assert as_django_label(label) == expected


@pytest.mark.parametrize("label", ["shop/tests/test_cart.py::CartTests::test_total", "shop/tests/", "shop.tests"])
def test_a_label_in_djangos_form_stays(label: str) -> None:
    assert as_django_label(as_django_label(label)) == as_django_label(label)


KNOWN = '''
import unittest
from django.test import TestCase
from parameterized import parameterized
from elsewhere import Mixin

class KnownTests(TestCase):
    """A docstring."""
    value = 3

    def test_total(self): ...
    test_again = test_total

    @parameterized.expand([1])
    def test_each(self): ...

class DerivedTests(KnownTests, unittest.TestCase): ...
class MixedTests(Mixin, TestCase): ...
class ManyTests(TestCase):
    for name in "ab":
        pass
'''

FILES = {
    "shopping/__init__.py": "",
    "shopping/guide.txt": "",
    "shopping/apps.py": 'class Config:\n    label = "store"\n',
    "shopping/tests/__init__.py": "",
    "shopping/tests/test_known.py": KNOWN,
    "shopping/tests/test_cart.py": "class CartTests(TestCase):\n    def test_total(self): ...\n",
    "shopping/tests/test_made.py": "for name in NAMES:\n    globals()[name] = make(name)\n",
    "shopping/tests/test_many.py": "@parameterized_class(('n',), [(1,)])\nclass PartsTests(TestCase): ...\n",
    "storage/__init__.py": "",
    "storage/apps.py": 'class StorageConfig(AppConfig):\n    label = "room"\n',
    "storage/admin.py": "globals()",
    "storage/models.py": "from unittest import TestCase\n\nclass BoxTests(TestCase): ...\n\ndef classify(): ...\n",
    "plain/test_x.py": "class XTests: ...\n",
    "plain/test_short.py": "class A(TestCase):\n    def te(self): ...\n",
}
APPS = ["shopping", "storage.apps.StorageConfig", "django.contrib.auth"]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    write_files(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    assert not {name for name in set(sys.modules) - before if name.startswith(("shopping", "storage", "plain"))}, (
        "imported"
    )


@pytest.mark.parametrize(
    "label",
    [
        "shoping",
        "no.such.module",
        "shopping.tests.test_cat.CartTests",
        "shopping.tests.test_cart.CatTests",
        "shopping/tests/test_cat.py",
        "shopping/tests/test_cat.py::CartTests",
        "shopping/tests/test_cart.py::CatTests",
        "shopping/nothing/",
        "plain.test_y",
        "plain.test_short.B",
        "room.CartTests",
        "room.clasify",
        "room.Boxes.test_total",
        "shopping.tests.test_known.KnownTests.test_totals",
        "shopping/tests/test_known.py::DerivedTests::test_totl",
        "room.BoxTests.test_total",
    ],
)
def test_a_label_that_names_nothing_is_refused(files: Path, label: str) -> None:
    assert is_missing(label, APPS)
    with pytest.raises(ProjectError, match="No test matches the label"):
        check([".", label], APPS)


@pytest.mark.parametrize(
    "label",
    [
        ".",
        "shopping",
        "shopping/tests",
        "shopping/tests/",
        "shopping.tests.test_cart.CartTests.test_any",
        "shopping/tests/test_cart.py::CartTests::test_any",
        "shopping.tests.test_cart.CartTests_0_x",
        "shopping.tests.test_made.AnyTests",
        "shopping.tests.test_many.PartsTests_0_x",
        "shopping.guide_txt",
        "store.CartTests",
        "auth.CartTests",
        "room.BoxTests",
        "room.classify",
        "room.models.classify",
        "shopping.CartTests",
        "plain",
        "plain/test_x.py::XTests",
        "plain.test_short.A",
        "plain/test_short.py::A::te",
        "shopping.tests.test_known.KnownTests.test_again",
        "shopping.tests.test_known.KnownTests.test_each_0_a",
        "shopping.DerivedTests.test_total",
        "shopping.tests.test_known.DerivedTests.setUpClass",
        "shopping.tests.test_known.MixedTests.test_of_the_mixin",
        "shopping.tests.test_known.ManyTests.test_a",
        "named by itself",
        "sites.<locals>.Tests.test_one#2",
    ],
)
def test_a_label_that_may_name_a_test_is_accepted(files: Path, label: str) -> None:
    assert not is_missing(
        label,
        [
            "shopping",
            "shopping.apps.Config",
            "storage.apps.StorageConfig",
            "django.contrib.auth",
            "django.contrib.sites",
        ],
    )
    check([label], ["shopping", "shopping.apps.Config", "storage.apps.StorageConfig", "django.contrib.auth"])


def test_the_hint_has_similar_names(files: Path) -> None:
    with pytest.raises(ProjectError) as raised:
        check(["shopping.tests.test_cat"], ["shopping"])
    assert raised.value.message == "No test matches the label 'shopping.tests.test_cat'."
    assert "shopping.tests.test_cart" in raised.value.hint
    with pytest.raises(ProjectError) as raised:
        check(["CartTest", "nothing_like_it"], ["shopping"])
    assert raised.value.message == "No test matches the labels 'CartTest', 'nothing_like_it'."
    assert "shopping.tests.test_cart.CartTests" in raised.value.hint


def test_no_label_is_refused_where_tests_have_own_ids(files: Path) -> None:
    (files / "shopping/tests/test_ids.py").write_text("class T:\n    def id(self): return 'any.thing'\n")
    check(["any.thing"], ["shopping"])


def test_near_names_are_similar_in_whole_or_at_the_end() -> None:
    names = ["shop.tests.test_cart.CartTests", "shop.tests.test_cart", "catalog.tests", "shop"]
    assert near("shop.tests.test_card", names)[0] == "shop.tests.test_cart"
    assert near("CartTest", names) == ["shop.tests.test_cart.CartTests"]
    assert near("zzz", names) == []


class TestExamples:
    FILES = ("tests/__init__.py", "tests/test_a.py", "example/__init__.py", "example/app/tests.py")

    @pytest.mark.parametrize(
        ("more", "labels", "left_out"),
        [
            ((), ["tests"], ["example"]),
            (
                ("test_root.py", "setup.py", "demos/__init__.py", "demos/tests.py"),
                ["test_root", "tests"],
                ["demos", "example"],
            ),
            (("shop/__init__.py", "shop/tests/test_b.py"), ["shop", "tests"], ["example"]),
            (
                ("sandbox/tests.py", "docs/test_c.py"),
                ["tests"],
                ["example"],
            ),  # Django's discovery enters packages alone
        ],
    )
    def test_they_are_left_out_of_a_library(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        more: tuple[str, ...],
        labels: list[str],
        left_out: list[str],
    ) -> None:
        write(tmp_path, dict.fromkeys((*self.FILES, *more), ""))
        monkeypatch.chdir(tmp_path)
        assert without_examples(["shop", "tests.apps.Config"], "test*.py") == (labels, left_out)

    @pytest.mark.parametrize(
        ("files", "apps"),
        [
            (FILES, ["example.app"]),
            (("tests/__init__.py", "tests/test_a.py"), []),
            (("example/__init__.py", "example/tests.py"), []),
        ],
        ids=["installed", "none", "alone"],
    )
    def test_others_stay(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...], apps: list[str]
    ) -> None:
        write(tmp_path, dict.fromkeys(files, ""))
        monkeypatch.chdir(tmp_path)
        assert without_examples(apps, "test*.py") == ([], [])


def test_folders_without_init_in_each_other_have_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"bare_outer/inner/test_x.py": ""})
    monkeypatch.syspath_prepend(str(tmp_path))
    found = place_of("bare_outer.inner.test_x.XTests")
    assert found is not None
    assert (found.module, found.rest) == ("bare_outer.inner.test_x", ("XTests",))
    assert found.file == str(tmp_path / "bare_outer/inner/test_x.py")
    found = place_of("bare_outer.inner.no_module")
    assert found is not None
    assert (found.module, found.folders, found.rest) == (
        "bare_outer.inner",
        (str(tmp_path / "bare_outer/inner"),),
        ("no_module",),
    )
