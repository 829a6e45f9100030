"""What the action's steps do that is more than a line of shell; ``action.yml`` beside this calls it as ``steps.py STEP``.

Reads the action's inputs from the variables that ``action.yml`` sets. ``prepare`` and ``results`` print outputs, a line
each; ``run`` becomes ``harness ci``; ``images`` writes the images of a run to a file.
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
from typing import Any

from harness.errors import HarnessError
from harness.host.config import load
from harness.host.config.load import Config
from harness.host.engines import ENGINES
from harness.host.images import recipe, specs
from harness.host.project import dependencies, files

HARNESS = str(Path(sys.executable).with_name("harness"))
DIGITS = 16


def prepare(variables: Mapping[str, str], today: datetime.date) -> dict[str, str]:
    """Where things go, what the artifacts are called, and the keys of the images' cache."""
    name = slug(variables["NAME"]) or artifact_name(variables)
    room = Path(variables["RUNNER_TEMP"]) / "harness"
    try:
        servers, installation = image_digests(loaded(variables))
    except HarnessError:
        servers, installation = "unknown", ""  # harness ci says what is wrong, and better
    year, week, _ = today.isocalendar()
    # a new one each week: official images are mended under the names that they have
    begin = f"harness-images-{variables['RUNNER_OS']}-{variables['RUNNER_ARCH']}-{year}w{week:02}-{servers}-"
    return {
        "name": name,
        "artifacts": str(room / "artifacts" / name),
        "images": str(room / "images" / "images.tar"),
        "key": begin + installation,
        "restore-key": begin,
    }


def artifact_name(variables: Mapping[str, str]) -> str:
    """A name that differs from that of other jobs of the run, other projects, backends and versions of Python."""
    parts = [
        "harness",
        variables["GITHUB_JOB"],
        "" if variables["PROJECT"] in ("", ".") else variables["PROJECT"],
        variables["DB"],
        variables["PYTHON_VERSION"] and f"py{variables['PYTHON_VERSION']}",
        variables["JOB_INDEX"] if int(variables["JOB_TOTAL"] or 1) > 1 else "",
    ]
    return "-".join(filter(None, map(slug, parts)))


def slug(text: str) -> str:
    """*text* as artifacts and folders may be called."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")


def loaded(variables: Mapping[str, str]) -> Config:
    """The configuration of the run. Raises ``UsageError`` for one that is wrong."""
    given = {
        "project": variables["PROJECT"],
        "db": tuple(variables["DB"].split()),
        "python": variables["PYTHON_VERSION"],
    }
    return load.load({key: value for key, value in given.items() if value}, variables, Path.cwd(), need_settings=False)


def image_digests(settled: Config) -> tuple[str, str]:
    """What servers and runner are made of, and what the project's dependencies are.

    The second is empty where any file of the project may be one: a key would then never be seen again.
    """
    wanted = {load.exact(spec) for spec in settled.db if spec.engine in ENGINES}
    if not settled.db:  # what the settings name, which is not known yet
        wanted = {load.DbSpec(engine.name, engine.default_version) for engine in ENGINES.values()}
    keys = [key for spec in sorted(wanted, key=str) for key in _server_keys(settled, spec)]
    runner = specs.runner_specs(settled.python)[0].key
    digest = recipe.digest_of(key.encode() for key in [*keys, runner])[:DIGITS]
    root = settled.project
    installation = dependencies.plan(root, settled.install)
    if installation.files is None:
        return digest, ""
    return digest, dependencies.digest(installation, files.fingerprints(root, installation.files), runner, settled.apt)


def _server_keys(settled: Config, spec: load.DbSpec) -> Iterable[str]:
    table = settled.servers.get(spec.engine)
    release = ENGINES[spec.engine].release(str(spec.version))
    return (made.key for made in specs.server_specs(spec.engine, release, table.image if table else None)[:1])


def arguments(variables: Mapping[str, str]) -> list[str]:
    """The command line of the run."""
    command = [HARNESS, "ci", "--project", variables["PROJECT"] or ".", "--artifacts", variables["ARTIFACTS"]]
    for backend in variables["DB"].split():
        command += ["--db", backend]
    if variables["PYTHON_VERSION"]:
        command += ["--python", variables["PYTHON_VERSION"]]
    return [*command, *shlex.split(variables["ARGS"]), *variables["LABELS"].split()]


def results(folder: Path) -> dict[str, str]:
    """The run's outputs, read from its artifacts. A run that left no summary was aborted."""
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
    """The servers of the runs whose artifacts are in *folder*, as ``--db`` takes them; ``sqlite`` where none has any."""
    found = set()
    for path in folder.rglob("summary.json"):
        for server in json.loads(path.read_text("utf-8")).get("servers", ()):
            if match := re.match(r"harness-([a-z]+):([\d.]+)-", server["image"]):
                found.add(f"{match[1]}:{match[2]}")
    return sorted(found) or [load.SQLITE]


def save_images(variables: Mapping[str, str]) -> None:
    """Write the images that the run used to a file. They are there, so building them only finds them."""
    command = [HARNESS, "images", "build", "--project", variables["PROJECT"] or "."]
    for backend in backends_used(Path(variables["ARTIFACTS"])):
        command += ["--db", backend]
    if variables["PYTHON_VERSION"]:
        command += ["--python", variables["PYTHON_VERSION"]]
    table = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    tags = sorted({line.split()[-1] for line in table.splitlines()})
    target = Path(variables["IMAGES"])
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["docker", "save", "--output", target, *tags], check=True)


def main(step: str, variables: Mapping[str, str]) -> int:
    """Do *step*; its exit status."""
    outputs: dict[str, Any] = {}
    if step == "prepare":
        outputs = prepare(variables, datetime.datetime.now(datetime.UTC).date())
    elif step == "results":
        outputs = results(Path(variables["ARTIFACTS"]))
    elif step == "images":
        save_images(variables)
    else:
        try:
            command = arguments(variables)
        except ValueError as error:
            print(f"harness: the input args cannot be read: {error}: {variables['ARGS']}", file=sys.stderr)
            return 2
        # in this process's place: so the harness itself hears that a job is cancelled, and ends its servers
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted
    for name, value in outputs.items():
        print(f"{name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], os.environ))
