"""A collection error in a module that can be imported: the parameters do not fit the function."""

import pytest


@pytest.mark.parametrize("missing", [1])
def test_without_the_parameter():
    pass
