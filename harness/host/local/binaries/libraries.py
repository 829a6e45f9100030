"""The libraries of the system that a wheel's programs need and do not bring along."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.errors import ServerError
from harness.host.local.binaries.machine import Machine, output_of
from harness.host.local.binaries.wheels import Wheel

PACKAGES: Mapping[str, str] = {
    "libcrypto.so.3": "libssl3",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "liblz4.so.1": "liblz4-1",
    "libreadline.so.8": "libreadline8",
    "libssl.so.3": "libssl3",
    "libxml2.so.2": "libxml2",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
"""Debian's package of each library that a wheel's programs need and the wheel does not have."""

_LACKING = re.compile(r"^\s*(\S+) => not found", re.MULTILINE)


def lacking(programs: Iterable[Path], environment: Mapping[str, str]) -> list[str]:
    """The libraries that *programs* need and this machine lacks; empty where the loader does not say."""
    # the loader of glibc lists a program's libraries in place of running it; ldd does nothing else
    trace = {**environment, "LD_TRACE_LOADED_OBJECTS": "1"}
    return sorted({name for program in programs for name in _LACKING.findall(output_of([str(program)], trace))})


def packages(names: Sequence[str]) -> list[str]:
    """Debian's packages that have the libraries *names*, each once; empty if one is unknown."""
    return sorted({PACKAGES[name] for name in names}) if all(name in PACKAGES for name in names) else []


def error(wheel: Wheel, names: Sequence[str], output: str, machine: Machine) -> ServerError:
    """The error for a wheel whose server does not run: it lacks the libraries *names*, or said *output*."""
    own = f"Install PostgreSQL {wheel.version} itself, so that postgres is in PATH"
    if not names:
        return ServerError(
            f"PostgreSQL {wheel.version} of the wheel {wheel.title} does not run on {machine.title}.",
            hint=f"{own}.",
            evidence=output,
        )
    step = "the packages of your system that have them."
    if machine.installer == "apt-get" and (found := packages(names)):
        step = f"{machine.sudo}apt-get update && {machine.sudo}apt-get install -y --no-install-recommends {' '.join(found)}"
    return ServerError(
        f"PostgreSQL {wheel.version} of the wheel {wheel.title} needs libraries that this machine lacks: {', '.join(names)}.",
        hint=f"{own}, or these libraries: {step}",
    )
