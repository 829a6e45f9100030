"""Settings that pytest-django does not find, and pytest-django where it is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....errors import ProjectError
from ...text import listed
from .. import pytest_internals

_FIXTURES = frozenset(
    (
        *("db", "transactional_db", "live_server", "client", "async_client", "admin_client", "async_admin_client"),
        *("admin_user", "rf", "async_rf", "settings", "mailoutbox", "django_user_model", "django_assert_num_queries"),
        *("django_db_setup", "django_db_blocker", "django_db_reset_sequences", "django_db_serialized_rollback"),
        *("django_assert_max_num_queries", "django_capture_on_commit_callbacks"),
    )
)
_NAMED = 3


def no_settings(*, has_pytest_django: bool, settings_advice: str) -> ProjectError:
    """The error where nothing configures Django. *settings_advice* names the modules that may be meant, empty for none."""
    if not has_pytest_django:
        return missing_pytest_django("Nothing has set Django up", ())
    return ProjectError(
        "pytest-django found no settings: no --ds, no variable DJANGO_SETTINGS_MODULE, no DJANGO_SETTINGS_MODULE in the"
        " configuration of pytest, and no settings.configure() in a conftest.py.",
        hint='Name the module: DJANGO_SETTINGS_MODULE = "..." in [tool.pytest.ini_options] of pyproject.toml, or in [pytest] of'
        f' pytest.ini without the quotation marks; or settings = "..." in [tool.harness]. {settings_advice}'.rstrip(),
    )


def missing_pytest_django(why: str, tests: Iterable[str]) -> ProjectError:
    names = list(tests)
    which = f" ({listed(names, _NAMED)})" if names else ""
    return ProjectError(
        f"{why}{which}: pytest-django is not installed where the tests run.",
        hint='Name it in the project\'s requirements, or install it: extra_install = ["pytest-django"] in [tool.harness].',
    )


def users_of_pytest_django(items: Iterable[Any]) -> list[str]:
    """The ids of the *items* that need a fixture or the mark of pytest-django, and do not have it from elsewhere."""
    return [item.nodeid for item in items if _needs_pytest_django(item)]


def _needs_pytest_django(item: Any) -> bool:
    if item.get_closest_marker("django_db") is not None:
        return True
    defined = {name for name, _ in pytest_internals.fixture_scopes(item)}
    return not defined.issuperset(_FIXTURES.intersection(getattr(item, "fixturenames", ())))
