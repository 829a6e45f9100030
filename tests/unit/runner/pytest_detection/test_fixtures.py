import pytest

from harness.runner.pytest_detection.fixtures import autouse_fixtures, fixtures_notice, is_above


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("@pytest.fixture(autouse=True)\ndef clean():\n    wipe()\n", ("clean",)),
        ("@fixture(scope='session', autouse=True)\ndef clean():\n    wipe()\n", ("clean",)),
        ("@pytest_asyncio.fixture(autouse=True)\nasync def clean():\n    wipe()\n", ("clean",)),
        ("@pytest.fixture(autouse=ON_CI)\ndef clean():\n    wipe()\n", ("clean",)),
        ("if ON_CI:\n    @pytest.fixture(autouse=True)\n    def clean():\n        wipe()\n", ("clean",)),
        (
            "try:\n    import a\nexcept ImportError:\n    @fixture(autouse=True)\n    def no():\n        wipe()\n",
            ("no",),
        ),
        ("@pytest.fixture(autouse=True)\ndef settings_of_ci(settings):\n    pass\n", ("settings_of_ci",)),
        ("@pytest.fixture(autouse=True)\ndef database(db, request):\n    '''All tests.'''\n    yield\n", ()),
        ("@pytest.fixture(autouse=True)\ndef database(transactional_db):\n    return\n", ()),
        ("@pytest.fixture(autouse=False)\ndef clean():\n    wipe()\n", ()),
        ("@pytest.fixture\ndef clean():\n    wipe()\n", ()),
        ("@register(autouse=True)\ndef clean():\n    wipe()\n", ()),
        ("class Some:\n    @pytest.fixture(autouse=True)\n    def clean(self):\n        wipe()\n", ()),
        ("no Python", ()),
    ],
)
def test_autouse_fixtures_that_do_work_are_found(source: str, expected: tuple[str, ...]) -> None:
    assert autouse_fixtures(source) == expected


@pytest.mark.parametrize(
    ("folder", "file", "expected"),
    [
        ("", "test_a.py", True),
        ("shop", "shop/tests/test_a.py", True),
        ("shop", "shopping/test_a.py", False),
        ("shop/tests", "shop/test_a.py", False),
    ],
)
def test_a_conftest_applies_to_its_folder_and_below(folder: str, file: str, expected: bool) -> None:
    assert is_above(folder, file) is expected


def test_a_notice_cuts_long_lists() -> None:
    fixtures = {f"{folder}/conftest.py": ("one", "two", "three", "four") for folder in "abcd"}
    notice = fixtures_notice(fixtures, 5, is_asked_for=False)
    listed = ", ".join(f"{folder}/conftest.py (one, two, three and 1 more)" for folder in "abc")
    assert f": {listed} and 1 more. A test" in notice
