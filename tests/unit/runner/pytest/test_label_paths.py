from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import ProjectError
from harness.protocol.messages import RunSpec
from harness.runner.pytest import label_paths
from harness.runner.pytest.label_paths import node_ids
from tests.files import write_files

TESTS = """
import pytest

def helper():
    def inner():
        pass

class TestCart:
    @pytest.mark.parametrize(
        "number", [1, 2],
    )
    def test_add(self, number):
        assert number

    class TestDeep:
        async def test_in(self):
            pass

def test_plain():
    pass
"""
FILES = {
    "tests/test_cart.py": TESTS,
    "shop/apps.py": "class C:\n    name = 'shop'\n",
    "shop/models.py": "",
    "shop/tests/test_orders.py": "class OrderTests:\n    def test_x(self): pass\n",
    "shop/tests/test_more.py": "def test_more(): pass\n",
    "named/apps.py": "class C:\n    label = 'orders'\n",
    "src/lib/test_lib.py": "def test_lib(): pass\n",
    "backend/tests/test_b.py": "def test_b(): pass\n",
}


@pytest.fixture
def ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, ...]]:
    """The node ids of labels in a project of ``FILES``."""
    write_files(tmp_path, FILES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(label_paths, "project_root", lambda: str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    return lambda *labels, **spec: node_ids(labels, RunSpec(**spec))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("tests/test_cart.py", "tests/test_cart.py"),
        ("tests", "tests"),
        ("tests/", "tests"),
        (".", "."),
        ("tests/test_cart.py::TestCart::test_add[1-x::y/z]", "tests/test_cart.py::TestCart::test_add[1-x::y/z]"),
        ("tests/test_cart.py::no_such", "tests/test_cart.py::no_such"),
        ("tests/test_cart.py::test_plain::teardown", "tests/test_cart.py::test_plain"),
        ("tests/test_cart.py:12", "tests/test_cart.py::TestCart::test_add"),
        ("tests/test_cart.py:9", "tests/test_cart.py::TestCart::test_add"),
        ("tests/test_cart.py:17", "tests/test_cart.py::TestCart::TestDeep::test_in"),
        ("tests/test_cart.py:8", "tests/test_cart.py::TestCart"),
        ("tests/test_cart.py:1", "tests/test_cart.py"),
        ("tests/test_cart.py:99", "tests/test_cart.py"),
        ("tests.test_cart", "tests/test_cart.py"),
        ("tests.test_cart.TestCart.test_add[1.5]", "tests/test_cart.py::TestCart::test_add[1.5]"),
        ("tests.test_cart.TestCart", "tests/test_cart.py::TestCart"),
        ("tests.test_cart::TestCart", "tests/test_cart.py::TestCart"),
        ("shop", "shop"),
        ("shop.tests", "shop/tests"),
        ("shop.OrderTests.test_x", "shop/tests/test_orders.py::OrderTests::test_x"),
        ("shop.test_more", "shop/tests/test_more.py::test_more"),
        ("orders", "named"),
        ("lib.test_lib.test_lib", "src/lib/test_lib.py::test_lib"),
    ],
)
def test_a_label_becomes_a_node_id(ids: Callable[..., tuple[str, ...]], label: str, expected: str) -> None:
    assert ids(label) == (expected,)


def test_labels_stay_in_their_order_each_once(ids: Callable[..., tuple[str, ...]]) -> None:
    assert ids("tests.test_cart", "shop", "tests/test_cart.py") == ("tests/test_cart.py", "shop")


def test_a_path_may_be_seen_from_the_folder_of_the_script(ids: Callable[..., tuple[str, ...]]) -> None:
    assert ids("tests/test_b.py::test_b", workdir="backend") == ("backend/tests/test_b.py::test_b",)


def test_an_installed_module_is_found(ids: Callable[..., tuple[str, ...]]) -> None:
    (found,) = ids("unittest.case")
    assert found.endswith("/unittest/case.py")


@pytest.mark.parametrize(
    ("label", "near"),
    [
        ("tests/test_kart.py", "tests/test_cart.py"),
        ("tests.test_kart.TestCart", "tests/test_cart.py::TestCart"),
        ("shop.tests.test_order.OrderTests", "shop/tests/test_orders.py::OrderTests"),
        ("shop.NoSuchThing", ""),
        ("--odd", ""),
        ("a b", ""),
    ],
)
def test_a_label_that_names_nothing_is_an_error(ids: Callable[..., tuple[str, ...]], label: str, near: str) -> None:
    with pytest.raises(ProjectError) as error:
        ids("tests", label)
    assert error.value.message == f"No test matches the label {label!r}."
    assert error.value.hint.startswith(f"Near names: {near}" if near else "A label is a path, a node id")


def test_a_file_with_an_error_has_no_names_near(ids: Callable[..., tuple[str, ...]]) -> None:
    Path("tests/test_odd.py").write_text("def (:\n")
    assert ids("tests/test_odd.py:1") == ("tests/test_odd.py",)
    with pytest.raises(ProjectError, match="No test matches the labels 'no_a', 'no_b'"):
        ids("no_a", "no_b")
