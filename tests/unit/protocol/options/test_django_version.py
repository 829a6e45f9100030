"""The spelling of a Django version, pip's requirement for it, and the versions that fit it."""

import pytest

from harness.protocol.options.django_version import admits, fits, is_version, oldest_python, requirement

FINAL_5_2 = (5, 2, 0, "final", 0)


@pytest.mark.parametrize("text", ["5.2", "4.2.30", "6.1rc1", "6.2a1", "5.2.0", "10.1b2"])
def test_series_releases_and_pre_releases_are_versions(text: str) -> None:
    assert is_version(text)


@pytest.mark.parametrize(
    "text", ["", "5", "5.", "5.2.", "5.2.rc1", "5.2.x", "v5.2", ">=5.2", "main", "0.1", "5.2 ", "5.2.3.4", "5.2dev"]
)
def test_other_words_are_none(text: str) -> None:
    assert not is_version(text)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("5.2", "Django~=5.2.0"), ("5.2.3", "Django==5.2.3"), ("5.2.0", "Django==5.2.0"), ("6.1rc1", "Django==6.1rc1")],
)
def test_a_series_gets_its_newest_release(asked: str, expected: str) -> None:
    assert requirement(asked) == expected


class TestFits:
    @pytest.mark.parametrize(
        ("asked", "version"),
        [
            ("5.2", FINAL_5_2),
            ("5.2", (5, 2, 19, "final", 0)),
            ("5.2.0", FINAL_5_2),
            ("5.2.19", (5, 2, 19, "final", 0)),
            ("6.1rc1", (6, 1, 0, "rc", 1)),
            ("6.2a1", (6, 2, 0, "alpha", 1)),
        ],
    )
    def test_the_version_that_was_asked_for(self, asked: str, version: tuple[int, int, int, str, int]) -> None:
        assert fits(asked, version)

    @pytest.mark.parametrize(
        ("asked", "version"),
        [
            ("5.2", (5, 1, 2, "final", 0)),
            ("5.2", (5, 20, 0, "final", 0)),
            ("5.2", (5, 2, 0, "rc", 1)),
            ("5.2.3", (5, 2, 31, "final", 0)),
            ("5.2.0", (5, 2, 1, "final", 0)),
            ("6.1rc1", (6, 1, 0, "final", 0)),
            ("6.1rc1", (6, 1, 0, "beta", 1)),
            ("6.2a1", (6, 2, 0, "alpha", 0)),
        ],
    )
    def test_another_version_never_fits(self, asked: str, version: tuple[int, int, int, str, int]) -> None:
        assert not fits(asked, version)


def test_the_oldest_python_is_known_for_majors_that_exist() -> None:
    assert oldest_python("6.1") == (3, 12)
    assert oldest_python("5.2.3") == (3, 10)
    assert oldest_python("7.0") is None


def test_a_python_is_compared_by_number() -> None:
    assert [admits("6.0", python) for python in ("3.9", "3.11", "3.12", "3.14")] == [False, False, True, True]
    assert admits("7.0", "3.11")
