"""Labels as people type them, to Django's dots."""

import pytest

from harness.inside.labels import as_django_label


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
    ],
)
def test_a_label_becomes_djangos(label, expected):
    assert as_django_label(label) == expected


@pytest.mark.parametrize("label", ["shop/tests/test_cart.py::CartTests::test_total", "shop/tests/", "shop.tests"])
def test_a_label_of_djangos_stays_as_it_is(label):
    assert as_django_label(as_django_label(label)) == as_django_label(label)
