import pytest

from harness.runner.pytest.advice.unknown_options import advice, package_of, unknown_options

KNOWN = ("--reuse-db", "--create-db", "-k", "--maxfail", "--durations")


def test_unknown_options_are_read_without_their_values() -> None:
    text = "usage: pytest [options]\npytest: error: unrecognized arguments: --cov=shop -nauto 4 --cov -1\n  rootdir: /x"
    assert unknown_options(text) == ["--cov", "-n"]
    assert unknown_options("pytest: error: argument -k: expected one argument") == []


@pytest.mark.parametrize(
    ("option", "package"),
    [
        ("--cov", "pytest-cov"),
        ("--cov-report", "pytest-cov"),
        ("--no-cov", "pytest-cov"),
        ("--covered", ""),
        ("--reruns", "pytest-rerunfailures"),
        ("--reruns-delay", "pytest-rerunfailures"),
        ("--timeout", "pytest-timeout"),
        ("--timeout-method", "pytest-timeout"),
        ("--html", "pytest-html"),
        ("--snapshot-update", "syrupy"),
        ("-n", "pytest-xdist"),
        ("--dist", "pytest-xdist"),
        ("--randomly-seed", "pytest-randomly"),
        ("--ds", "pytest-django"),
        ("-q", ""),
    ],
)
def test_the_plugin_of_an_option_is_known(option: str, package: str) -> None:
    assert package_of(option) == package


def test_an_option_near_a_known_one_names_it() -> None:
    assert advice(["--reuse-bd"], KNOWN) == "Options near --reuse-bd: --reuse-db."


def test_a_plugin_that_is_missing_is_named_with_the_line_to_add() -> None:
    assert advice(["--cov", "--cov-report", "--html"], KNOWN) == (
        "--cov, --cov-report are options of pytest-cov, which is not installed where the tests run."
        " --html is an option of pytest-html, which is not installed where the tests run."
        ' [tool.harness] extra_install = ["pytest-cov", "pytest-html"] installs what is missing.'
    )


def test_a_plugin_that_the_harness_replaces_is_not_installed() -> None:
    assert advice(["--reruns"], KNOWN) == (
        "--reruns is an option of pytest-rerunfailures, which is not installed where the tests run."
        " harness ci does without it: --retries."
    )


def test_an_option_of_nothing_known_is_left_to_pytests_help() -> None:
    assert advice(["--zzz"], KNOWN) == (
        "pytest --help in the project lists the options. Those of harness ci stand before --."
    )
