"""Parameters, whose ids are parts of node ids. All pass."""

import enum

import pytest

IDS = ["a b", "[x]", "a[b", "é", "日本", "a::b", "a/b.py::c", "-k", "'\"", "<&>", "%s", "tab\there", "back\\slash", "a-b"]


@pytest.mark.parametrize("value", IDS, ids=IDS)
def test_odd_ids(value):
    assert value in IDS


@pytest.mark.parametrize("value", ["", None, True, 1.5, b"\x00\xff", (1, 2), int, "ü"])
def test_ids_that_pytest_makes(value):
    assert True


class Size(enum.Enum):
    SMALL = 1


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize(("second", "third"), [("a", "b"), pytest.param("c", "d", id="named")])
def test_products(first, second, third):
    assert first


@pytest.mark.parametrize("value", [1, 1], ids=["same", "same"])
def test_equal_ids(value):
    assert value == 1


@pytest.mark.parametrize("size", Size)
class TestParametrizedClass:
    def test_method(self, size):
        assert size is Size.SMALL

    @pytest.mark.parametrize("number", [1, 2])
    def test_both(self, size, number):
        assert number


@pytest.fixture(params=["small", "large"])
def basket(request):
    return request.param


def test_parameters_of_a_fixture(basket):
    assert basket in ("small", "large")


@pytest.fixture
def doubled(request):
    return request.param * 2


@pytest.mark.parametrize("doubled", [1, 2], indirect=True)
def test_indirect(doubled):
    assert doubled in (2, 4)


@pytest.mark.parametrize("value", [])
def test_without_parameters(value):
    raise AssertionError("skipped by pytest")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(1, marks=pytest.mark.xfail(reason="one is no even number")),
        pytest.param(2),
        pytest.param(3, marks=pytest.mark.skip(reason="three is left out")),
    ],
)
def test_marks_of_parameters(value):
    assert value % 2 == 0


def pytest_generate_tests(metafunc):
    if "generated" in metafunc.fixturenames:
        metafunc.parametrize("generated", range(3))


def test_generated(generated):
    assert generated in range(3)
