"""``python -m harness.host.provisioning.make_base SUITE...``: bases of Debian suites where none can be pulled.

``ci/base`` runs it. Owns that command line alone; the base is made by ``host.docker.origins`` with the recipe in ``images/base``.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Sequence

from harness.errors import ExitCode, HarnessError, ServerError
from harness.host.docker.engine import connect
from harness.host.docker.origins import Origins
from harness.host.provisioning import debian, images


def main(argv: Sequence[str] | None = None) -> int:
    """Make the bases that *argv* asks for and that can be neither found nor pulled; the exit code."""
    options = _parse(argv)
    try:
        with contextlib.closing(connect()) as client:
            origins = Origins(client, _tell)
            has = _has_unchecked_base if options.no_check_valid_until else _has_or_pulls
            missing = [suite for suite in options.suites if not has(origins, suite)]
            if options.missing:
                print(*missing, sep="\n")
                return ExitCode.GREEN
            for suite in missing:
                _make(origins, suite, options)
    except HarnessError as error:
        print("\n".join(filter(None, [error.evidence, error.message, f"next: {error.hint}"])), file=sys.stderr)
        return error.exit_code
    return ExitCode.GREEN


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("ci/base", description="Makes bases of Debian suites where none can be pulled.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", default=[debian.DEFAULT_SUITE])
    parser.add_argument("--mirror", help="where Debian is; without it, the mirror of this machine's apt")
    parser.add_argument(
        "--no-check-valid-until", action="store_true", help="take a suite whose Release file is past its date"
    )
    parser.add_argument("--missing", action="store_true", help="print the suites that have to be made, and make none")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.suites) - set(debian.SUITES))
    if unknown:
        parser.error(f"unknown suite {', '.join(unknown)}; known: {', '.join(debian.SUITES)}")
    return options


def _has_unchecked_base(origins: Origins, suite: str) -> bool:
    return origins.label(images.base_tag(suite), images.VALID_UNTIL_LABEL) == "ignored"


def _has_or_pulls(origins: Origins, suite: str) -> bool:
    origin = images.debian_origin(suite)
    if any(origins.find(reference) for reference in origin.all_references):
        return True
    return any(not origins.pull(reference) for reference in origin.references)


def _make(origins: Origins, suite: str, options: argparse.Namespace) -> None:
    if reason := origins.cannot_import():
        raise ServerError(f"The base {images.base_tag(suite)} cannot be made: {reason}.", hint="Run ci/base as root.")
    mirror = debian.Mirror(options.mirror.rstrip("/")) if options.mirror else debian.machine_mirror()
    origins.import_base(suite, mirror, check_valid_until=not options.no_check_valid_until)
    _tell(images.base_tag(suite), "made")


def _tell(image: str, line: str) -> None:
    print(f"{image}: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
