"""The steps of the GitHub action that need more than a line of shell: ``python -P -m harness.host.github_action STEP``.

``action.yml`` passes the action's inputs as environment variables. ``prepare`` and ``results`` print the step's outputs, one
on each line; ``run`` becomes ``harness ci``; ``images`` writes the images of a run to a file. ``-P`` keeps the checkout, in
which the steps run, out of the import path.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from harness.errors import ExitCode, HarnessError
from harness.host.config.databases import SQLITE, DbSpec, exact
from harness.host.config.load import load
from harness.host.config.options import Config
from harness.host.config.servers import ServerConfig
from harness.host.digest import digest_of
from harness.host.engines import ENGINES
from harness.host.images import specs
from harness.host.planning.backends import slug
from harness.host.project import dependencies

HARNESS = str(Path(sys.executable).with_name("harness"))
DIGITS = 16


def prepare(variables: Mapping[str, str], today: datetime.date) -> dict[str, str]:
    """The paths of a run, the name of its uploaded artifacts, and the keys of the caches of images and of databases."""
    name = slug(variables["NAME"]) or artifact_name(variables)
    folder = Path(variables["RUNNER_TEMP"]) / "harness"
    try:
        servers, installation = image_digests(loaded(variables))
    except HarnessError:
        servers, installation = "unknown", ""  # harness ci reports the error in full
    year, week, _ = today.isocalendar()
    # a new key each week: official images are patched without a new tag
    restore_key = f"harness-images-{variables['RUNNER_OS']}-{variables['RUNNER_ARCH']}-{year}w{week:02}-{servers}-"
    return {
        "name": name,
        "artifacts": str(folder / "artifacts" / name),
        "images": str(folder / "images" / "images.tar"),
        "key": restore_key + installation,
        "restore-key": restore_key,
        "cache": str(folder / "cache"),
        # the workflow adds the run: what is kept under a key never changes
        "databases-key": f"harness-databases-{variables['RUNNER_OS']}-{variables['RUNNER_ARCH']}-{name}-",
    }


def artifact_name(variables: Mapping[str, str]) -> str:
    """A name that is unique among the run's jobs, projects, backends, and versions of Django and Python."""
    parts = [
        "harness",
        variables["GITHUB_JOB"],
        "" if variables["PROJECT"] in ("", ".") else variables["PROJECT"],
        variables["DB"],
        variables["DJANGO"] and f"django{variables['DJANGO']}",
        variables["PYTHON_VERSION"] and f"py{variables['PYTHON_VERSION']}",
        variables["JOB_INDEX"] if int(variables["JOB_TOTAL"] or 1) > 1 else "",
    ]
    return "-".join(filter(None, map(slug, parts)))


def loaded(variables: Mapping[str, str]) -> Config:
    """The configuration of the run. Raises ``UsageError`` for an invalid one."""
    flags = {
        "project": variables["PROJECT"],
        "db": variables["DB"].split(),
        "django": variables["DJANGO"].split(),
        "python": variables["PYTHON_VERSION"],
    }
    given = {key: value for key, value in flags.items() if value}
    return load(given, variables, Path.cwd(), need_settings=False)


def image_digests(config: Config) -> tuple[str, str]:
    """A digest of the recipes of servers and runner, and one of the project's dependencies.

    The second is empty if any file of the project may be a dependency: such a key would never match again.
    """
    wanted = {exact(spec) for spec in config.db if spec.engine in ENGINES}
    if not config.db:  # the settings name the engines, and are not loaded yet
        wanted = {DbSpec(engine.name, engine.default_version) for engine in ENGINES.values()}
    keys = [_server_key(config, spec) for spec in sorted(wanted, key=str)]
    runner = specs.runner_specs(config.python)[0].key
    digest = digest_of(key.encode() for key in [*keys, runner])[:DIGITS]
    engines = [spec.engine for spec in config.db]
    digests = []
    for django in config.django or ("",):
        arguments = (config.project, config.install, config.extra_install, engines, config.root, django)
        installation = dependencies.plan(*arguments)
        if installation.files is None:
            return digest, ""
        contents = dependencies.declared_in_files(installation.base or config.root, installation.files)
        digests.append(dependencies.digest(installation, contents, runner, config.apt))
    return digest, digests[0] if len(digests) == 1 else digest_of(map(str.encode, digests))[:DIGITS]


def _server_key(config: Config, spec: DbSpec) -> str:
    server = config.servers.get(spec.engine, ServerConfig())
    ways = specs.server_specs(ENGINES[spec.engine], str(spec.version), server.image, server.apt)
    return ways[0].key


def arguments(variables: Mapping[str, str]) -> list[str]:
    """The command line of the run. Raises ``ValueError`` where the inputs ``args`` or ``labels`` cannot be split."""
    flags = ["--artifacts", variables["ARTIFACTS"], *_flags(variables, variables["DB"].split())]
    given = shlex.split(variables["ARGS"])
    place = given.index("--") if "--" in given else len(given)  # options of pytest stand after it, and labels before it
    return [HARNESS, "ci", *flags, *given[:place], *shlex.split(variables["LABELS"]), *given[place:]]


def _flags(variables: Mapping[str, str], backends: Iterable[str]) -> list[str]:
    """The flags that ``harness ci`` and ``harness images build`` have in common."""
    python = ["--python", variables["PYTHON_VERSION"]] if variables["PYTHON_VERSION"] else []
    django = [f"--django={version}" for version in variables["DJANGO"].split()]
    return ["--project", variables["PROJECT"] or ".", *(f"--db={backend}" for backend in backends), *django, *python]


def results(folder: Path) -> dict[str, str]:
    """The run's outputs, read from its artifacts. A run without a summary was aborted."""
    try:
        summary = json.loads((folder / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {"verdict": "aborted", "exit-code": "", "counts": "{}", "report": ""}
    report = folder / "junit.xml"
    return {
        "verdict": str(summary["verdict"]),
        "exit-code": str(summary["exit_code"]),
        "counts": json.dumps(summary["counts"]),
        "report": str(report) if report.is_file() else "",
    }


def backends_used(folder: Path) -> list[str]:
    """The servers of the runs whose artifacts are in *folder*, as values of ``--db``; ``sqlite`` if there were none."""
    found = set()
    for path in folder.rglob("summary.json"):
        for server in json.loads(path.read_text("utf-8")).get("servers", ()):
            if match := re.match(r"harness-([a-z]+):([\d.]+)-", server["image"]):
                found.add(f"{match[1]}:{match[2]}")
    return sorted(found) or [SQLITE]


def save_images(variables: Mapping[str, str]) -> None:
    """Write the images of the run to a file. They exist, so ``images build`` only prints their tags."""
    command = [HARNESS, "images", "build", *_flags(variables, backends_used(Path(variables["ARTIFACTS"])))]
    table = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    tags = sorted({line.split()[-1] for line in table.splitlines()})
    target = Path(variables["IMAGES"])
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["docker", "save", "--output", target, *tags], check=True)


def become_harness(variables: Mapping[str, str]) -> NoReturn:
    """Replace this process by the run, so that the harness itself gets the signals of a cancelled job."""
    try:
        command = arguments(variables)
    except ValueError as error:
        inputs = " ".join(filter(None, (variables["ARGS"], variables["LABELS"])))
        print(f"harness: the inputs args and labels cannot be read: {error}: {inputs}", file=sys.stderr)
        sys.exit(ExitCode.USAGE)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def main(step: str, variables: Mapping[str, str]) -> int:
    """Do *step*, and return its exit status."""
    match step:
        case "prepare":
            outputs = prepare(variables, datetime.datetime.now(datetime.UTC).date())
        case "results":
            outputs = results(Path(variables["ARTIFACTS"]))
        case "images":
            save_images(variables)
            return 0
        case _:
            become_harness(variables)
    for name, value in outputs.items():
        print(f"{name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], os.environ))
