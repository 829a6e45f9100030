"""Tests that disturb servers: a worker's way to the servers, and their repair after the test.

A test asks by ``harness.testing.topology()``, the host acts. The coordinator lets such a test run alone, has the host put the
servers right after it, and starts nothing before that is done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from django.db import connections

from ...errors import HarnessError, ServerError
from ...protocol.events import ServerActionWanted
from ...protocol.messages import ALONE, MAKE_LATE, PUT_RIGHT, RENEWED, ServerActionDone
from ...protocol.topology import Role
from .. import private_apis
from ..host_channel import Journal
from ..replication.mirrors import Mirrors

IN_FIXTURE = (
    "topology() was called outside of a test: in setUpClass, setUpTestData or setUpModule. Only a test runs alone: call it in the"
    " test, in setUp, or in a fixture of the test."
)
NAMES = {"primary": "a primary server", "replica": "a replica"}


def server_of(servers: Mapping[str, tuple[str, Role]], alias: str, role: Role) -> tuple[str, str]:
    """The id of the server of *alias*, and the error if it has none with that *role*; *servers* are those of the run."""
    found = servers.get(alias)
    if found is not None and found[1] == role:
        return found[0], ""
    fitting = [name for name, (_, other) in servers.items() if other == role]
    known = (
        f"topology().{role}() takes {', '.join(map(repr, fitting))}"
        if fitting
        else f"No alias of this run has {NAMES[role]}"
    )
    return "", f"The alias {alias!r} has no {role} server of its own. {known}."


def seconds_of(duration: str) -> float:
    """The seconds of a *duration* such as ``500ms``. Raises ``ValueError`` with a message for people."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(ms|s)", duration, re.ASCII)
    if match is None:
        raise ValueError(f"The lag {duration!r} is no duration: 500ms, 2s.")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)


def text_of(error: HarnessError) -> str:
    """*error* as the message of an exception of a test."""
    return "\n".join(filter(None, (f"{error.message} {error.hint}".strip(), error.evidence)))


class Failover:
    """The servers of the run for the tests of a worker: ``harness.testing.control``. Each method returns an error, or nothing.

    *ask* has the host carry out an action on a server; *servers* are the ids and roles of the aliases' servers.
    """

    def __init__(self, servers: Mapping[str, tuple[str, Role]], ask: Callable[[str, str, str], str], mirrors: Mirrors):
        self._servers = servers
        self._ask = ask
        self._mirrors = mirrors
        self._has_begun = False

    def begin(self) -> str:
        error = self._try(ALONE)
        if not error and not self._has_begun:
            self._has_begun = True
            self._mirrors.leave_out()
            private_apis.before_fixture_teardown(self._put_right)
        return error

    def check(self, alias: str, role: Literal["primary", "replica"]) -> str:
        return server_of(self._servers, alias, role)[1]

    def act(self, alias: str, role: Literal["primary", "replica"], action: str, value: str) -> str:
        server, error = server_of(self._servers, alias, role)
        if error:
            return error
        try:
            self._mirrors.stop_waiting()
        except HarnessError as failed:
            return text_of(failed)
        if action in ("lag", "freeze", "thaw"):
            return self._change_lag(alias, server, action, value)
        return self._try(action, server, value)

    def _change_lag(self, alias: str, server: str, action: str, value: str) -> str:
        """Make a replica late or end that, once it can be late and has all that was committed before."""
        if action == "lag":
            try:
                value = str(seconds_of(value))
            except ValueError as error:
                return str(error)
        try:
            if self._ask(MAKE_LATE, server, "") == RENEWED:
                self._mirrors.await_new_replica(alias)
        except HarnessError as error:
            return text_of(error)
        return self._try(action, server, value)

    def _try(self, action: str, server: str = "", value: str = "") -> str:
        try:
            self._ask(action, server, value)
        except HarnessError as error:
            return text_of(error)
        return ""

    def _put_right(self) -> None:
        """Have the servers put right before Django flushes their databases, and drop connections that may be broken."""
        self._try(PUT_RIGHT)  # the coordinator has it done again, and reports the error
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close()
                getattr(connection, "close_pool", bool)()


class Repair:
    """Has the host put the servers right after the tests that were let through; *journal* takes the requests.

    Raises ``ServerError`` from ``take`` where the host could not.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._is_announced = False
        self._slots: set[int] = set()
        self._held: list[Callable[[], None]] = []
        self._number = 0
        self._awaited = ""

    def announce(self, test: str) -> None:
        """Report that *test* was postponed, the first of the run."""
        if not self._is_announced:
            self._is_announced = True
            text = (
                f"Tests that call harness.testing.topology() begin anew after all others, alone: {test} is the first."
            )
            self._journal.notice("runs-alone", text)

    def let_through(self, slot: int) -> None:
        """Note that the test in *slot* may disturb servers."""
        self._slots.add(slot)

    def begin(self, slot: int) -> None:
        """The test in *slot*, or its worker, has ended: begin the repair if it could disturb servers."""
        if slot in self._slots:
            self._slots.remove(slot)
            self._number += 1
            self._awaited = f"repair.{self._number}"
            self._journal.write(ServerActionWanted(self._awaited, PUT_RIGHT, ""))

    def then(self, step: Callable[[], None]) -> None:
        """Take *step* now, or when the repair is done."""
        if self._awaited:
            self._held.append(step)
        else:
            step()

    def take(self, answers: Iterable[ServerActionDone]) -> None:
        """Go on if one of *answers* says that the repair is done."""
        for answer in answers:
            if self._awaited and answer.request == self._awaited:
                if answer.error:
                    raise ServerError(answer.error, answer.hint, answer.evidence)
                self._awaited = ""
                held, self._held = self._held, []
                for step in held:
                    step()
