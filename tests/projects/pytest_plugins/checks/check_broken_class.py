import pytest


class TestArguments:
    @pytest.mark.parametrize("missing", [1])
    def test_wrong_argument(self):
        pass


def test_beside():
    pass
