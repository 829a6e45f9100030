"""Forty tests, each of which ends its worker."""

import os

import pytest


@pytest.mark.parametrize("number", range(40))
def test_dies(number):
    os._exit(1)
