"""The labels and names of an app's tests."""

import pytest

from harness.runner.legacy.app_tests import covers, names_of, targets_of

APPS = {"shop": "apps.shop", "zoo": "zoo"}


@pytest.mark.parametrize(
    ("targets", "module", "expected"),
    [
        ([""], "shop.models", True),
        (["shop"], "shop.models", True),
        (["shop.models"], "shop.models", True),
        (["shop.models"], "shop.models.cart", True),
        (["shop"], "shopping.models", False),
        (["shop.models.Cart"], "shop.models", False),
        (["zoo", "shop"], "shop.tests", True),
        ([], "shop.tests", False),
    ],
)
def test_a_label_covers_a_module(targets: list[str], module: str, expected: bool) -> None:
    assert covers(targets, module) is expected


@pytest.mark.parametrize(
    ("name", "is_folder", "expected"),
    [
        (".", True, ("",)),
        ("./apps/shop", True, ("apps.shop",)),
        ("src/shop/", True, ("shop",)),
        ("shop", False, ("shop", "apps.shop")),
        ("shop.models", False, ("shop.models", "apps.shop.models")),
        ("zoo", False, ("zoo",)),
        ("other.tests", False, ("other.tests",)),
    ],
)
def test_a_label_means_modules(name: str, is_folder: bool, expected: tuple[str, ...]) -> None:
    assert targets_of(name, APPS, is_folder) == expected


@pytest.mark.parametrize(
    ("example", "names"),
    [
        ("zoo.models.classify", ("classify",)),
        ("zoo.models.Classifier.run", ("Classifier.run",)),
        ("zoo.models.__test__.limits", ("__test__.limits", "limits")),
        ("zoo.models", ("__doc__",)),
    ],
)
def test_a_doctest_has_names_below_its_module(example: str, names: tuple[str, ...]) -> None:
    assert names_of(example, "zoo.models") == names
