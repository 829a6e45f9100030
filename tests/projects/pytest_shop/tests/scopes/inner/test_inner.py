"""The fixture of the package is set up for this package anew where pytest does so, and is torn down with it."""

import pytest

from tests.scopes.counts import is_up_once, still_up

pytestmark = pytest.mark.ordered


def test_package(of_package, of_module):
    assert is_up_once("package", of_package)
    assert is_up_once("session", "")
    assert not still_up("module", of_module)


def test_package_again(of_package, of_inner):
    assert is_up_once("package", of_package)
    assert is_up_once("package", of_inner)
