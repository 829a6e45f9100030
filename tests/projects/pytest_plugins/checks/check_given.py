from hypothesis import given
from hypothesis import strategies as st


@given(st.integers())
def test_given(number):
    assert number + 1 > number


@given(st.integers())
def test_given_fails(number):
    assert number < 100
