"""The part of the project's runner class in the making of the test databases, as far as its methods show."""

from __future__ import annotations

from django.test.runner import DiscoverRunner

from ..text import class_name
from .facts.collect import OwnSetUp
from .facts.modules import is_installed_class

_SET_UP = "setup_databases"
_AROUND = ("run_suite", "run_tests", "build_suite")
"""Methods that run beside ``setup_databases``, or call it. Those of an installed package, as a reporter's, make no rows."""


def has_own_set_up(project_class: type) -> bool:
    """Whether *project_class* makes databases by a method of its own."""
    return _owner(project_class, _SET_UP) is not DiscoverRunner


def own_set_up(project_class: type, *, is_cached: bool) -> OwnSetUp:
    """The set-up of *project_class*; with a doubt where it is the project's own and the user does not have it cached."""
    found = [_owner(project_class, name) for name in _AROUND]
    owners = {name: owner for name, owner in zip(_AROUND, found, strict=True) if not is_installed_class(owner)}
    if has_own_set_up(project_class):
        owners = {_SET_UP: _owner(project_class, _SET_UP), **owners}
    if owners and not is_cached:
        name, owner = next(iter(owners.items()))
        return OwnSetUp(
            doubt=f"{name} of {class_name(owner)} may fill the databases: cache_setup = true caches what it makes"
        )
    modules = {cls.__module__ for owner in owners.values() for cls in owner.__mro__ if not is_installed_class(cls)}
    return OwnSetUp(modules=tuple(sorted(modules)), text=class_name(project_class))


def _owner(cls: type, name: str) -> type:
    """The class in the bases of *cls* whose method *name* is called."""
    return next(each for each in cls.__mro__ if name in vars(each))
