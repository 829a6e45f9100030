"""The user that local servers run as: this one, or, where root starts them, one without rights."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from typing import Any

NOBODY = "nobody"
"""The user of servers that root starts: PostgreSQL refuses to run as root, and MySQL would have all of its rights."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group ids of servers. ``is_other``: they are not those of this process."""

    uid: int
    gid: int
    is_other: bool

    @property
    def options(self) -> tuple[str, ...]:
        """The options of ``supervisor`` that take this user on."""
        return (f"uid={self.uid}", f"gid={self.gid}") if self.is_other else ()

    @property
    def process_options(self) -> dict[str, Any]:
        """The options of ``subprocess`` that take this user on."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


def account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_other=False)
    try:
        found = pwd.getpwnam(NOBODY)
    except KeyError:
        return Account(65534, 65534, is_other=True)
    return Account(found.pw_uid, found.pw_gid, is_other=True)
