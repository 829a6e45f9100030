"""Does with a workflow what GitHub's runner does: evaluates its expressions, runs the shell of its steps in order, and reads
the files that they write.

Actions of this repository are followed into; ``github_actions`` stands in for those of others. What is not known fails the test.
"""

from __future__ import annotations

import functools
import itertools
import operator
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.e2e.command import environment
from tests.github_actions import OF_OTHERS, ActionError, copy_repository
from tests.github_expressions import as_text, condition, evaluate

ROOT = Path(__file__).parents[1]
PATIENCE_S = 900
_SHELLS = {None: ["bash", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}


def read_yaml(path: Path) -> dict[str, Any]:
    loaded = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    assert isinstance(loaded, dict)
    return loaded


# the result of a run


@dataclass
class Step:
    """A step that has been looked at. ``outcome`` is ``success``, ``failure`` or ``skipped``."""

    name: str
    outcome: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    output: str = ""
    summary: str = ""


@dataclass
class Job:
    """A job that has run. ``steps`` are all of them in order, those of actions behind the step that uses the action."""

    name: str
    result: str
    outputs: dict[str, str]
    steps: list[Step]

    def step(self, name: str) -> Step:
        """The last step of that id, name or action."""
        return [step for step in self.steps if step.name == name][-1]

    @property
    def log(self) -> str:
        return "\n".join(f"--- {step.name}: {step.outcome}\n{step.output}" for step in self.steps)


@dataclass
class GitHub:
    """The things that outlive a job: caches by their key, artifacts by their name, and published files."""

    folder: Path
    attempt: int = 1
    contexts: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.caches = self.folder / "caches"
        self.artifacts = self.folder / "artifacts"
        self.repository = self.folder / "repository"
        self._numbers = itertools.count(1)
        for made in (self.caches, self.artifacts):
            made.mkdir(parents=True, exist_ok=True)
        if not self.repository.exists():
            copy_repository(self.repository)

    def room(self) -> Path:
        """A new folder, for one job or one step."""
        made = self.folder / f"{next(self._numbers)}"
        made.mkdir()
        return made

    def workflow(
        self, path: str, inputs: Mapping[str, Any] | None = None, only: tuple[str, ...] = ()
    ) -> dict[str, list[Job]]:
        """Run the workflow at *path*: its jobs by their id, several for a matrix and for a called workflow."""
        document = read_yaml(self.repository / path)
        triggers = document["on"]
        declared = (triggers.get("workflow_call") or {}) if isinstance(triggers, dict) else {}
        given = {name: each.get("default", "") for name, each in declared.get("inputs", {}).items()} | dict(
            inputs or {}
        )
        done: dict[str, list[Job]] = {}
        for name, job in document["jobs"].items():
            if not only or name in only:
                done[name] = self._jobs(name, job, given, done)
        return done

    def _jobs(
        self, name: str, job: Mapping[str, Any], inputs: Mapping[str, Any], done: dict[str, list[Job]]
    ) -> list[Job]:
        wanted = job.get("needs", [])
        needs = {each: _needed(done[each]) for each in ([wanted] if isinstance(wanted, str) else wanted)}
        fine = all(need["result"] == "success" for need in needs.values())
        status = {
            "success": lambda: fine,
            "always": lambda: True,
            "cancelled": lambda: False,
            "failure": lambda: not fine,
        }
        contexts = {**self._common(name), "inputs": inputs, "needs": needs, "()": status, "jobs": {}}
        if not condition(job.get("if"), contexts):
            return [Job(name, "skipped", {}, [])]
        if "uses" in job:
            given = {key: evaluate(value, contexts) for key, value in job.get("with", {}).items()}
            called = self.workflow(job["uses"].removeprefix("$/"), given)
            return list(itertools.chain.from_iterable(called.values()))
        entries = _matrix(evaluate((job.get("strategy") or {}).get("matrix"), contexts))
        return [
            Runner(self, contexts | {"matrix": entry, "strategy": {"job-index": place, "job-total": len(entries)}}).run(
                job
            )
            for place, entry in enumerate(entries)
        ]

    def _common(self, job: str) -> dict[str, Any]:
        github = {
            "job": job,
            "ref": "refs/heads/main",
            "event_name": "push",
            "event": {},
            "run_attempt": str(self.attempt),
            "run_id": "1",
            "token": "token-of-the-run",
        }
        return {
            "github": github | dict(self.contexts.get("github", {})),
            "vars": self.contexts.get("vars", {}),
            "env": {},
        }


def _needed(jobs: list[Job]) -> dict[str, Any]:
    results = [job.result for job in jobs]
    worst = next((result for result in ("failure", "skipped") if result in results), "success")
    return {"result": worst, "outputs": jobs[-1].outputs}


def _matrix(matrix: Any) -> list[dict[str, Any]]:
    if not matrix:
        return [{}]
    axes = {name: values for name, values in matrix.items() if name != "include"}
    crossed = [dict(zip(axes, entry, strict=True)) for entry in itertools.product(*axes.values())] if axes else []
    entries = crossed + list(matrix.get("include", []))
    assert 0 < len(entries) <= 256, "GitHub takes no empty matrix, and none of more than 256 jobs"
    return entries


# one job


class Runner:
    """The machine of one job."""

    def __init__(self, github: GitHub, contexts: Mapping[str, Any]) -> None:
        self.github = github
        self.workspace = github.room()
        self.temp = github.room()
        self.steps: list[Step] = []
        self.added_path: list[str] = []
        self.added: dict[str, str] = {}
        self.contexts = {**contexts, "runner": {"temp": str(self.temp), "os": "Linux", "arch": "X64"}}

    def run(self, job: Mapping[str, Any]) -> Job:
        is_fine, steps = self._all(job["steps"], self.contexts, None)
        outputs = {
            name: as_text(evaluate(value, self.contexts | {"steps": steps}))
            for name, value in job.get("outputs", {}).items()
        }
        name = as_text(evaluate(job.get("name", ""), self.contexts))
        return Job(name, "success" if is_fine else "failure", outputs, self.steps)

    def _all(
        self, steps: list[dict[str, Any]], contexts: Mapping[str, Any], action: Path | None
    ) -> tuple[bool, dict[str, Any]]:
        """Run *steps*; whether none failed, and what the context ``steps`` says of them afterwards."""
        known: dict[str, Any] = {}
        state = {"fine": True}
        status: dict[str, Callable[[], bool]] = {
            "success": lambda: state["fine"],
            "failure": lambda: not state["fine"],
            "always": lambda: True,
            "cancelled": lambda: False,
        }
        for described in steps:
            around = {**contexts, "steps": known, "()": status}
            step = Step(described.get("id") or described.get("name") or described.get("uses") or described["run"])
            self.steps.append(step)
            if condition(described.get("if"), around):
                self._one(step, described, around, action)
                state["fine"] = state["fine"] and step.outcome == "success"
            if "id" in described:
                known[described["id"]] = {"outcome": step.outcome, "outputs": step.outputs}
        return state["fine"], known

    def _one(self, step: Step, described: dict[str, Any], contexts: Mapping[str, Any], action: Path | None) -> None:
        given = {name: as_text(evaluate(value, contexts)) for name, value in described.get("with", {}).items()}
        if "run" in described:
            variables = {name: as_text(evaluate(value, contexts)) for name, value in described.get("env", {}).items()}
            self._shell(step, described, contexts, variables, action)
        elif described["uses"].startswith("$/"):
            self._own_action(step, described["uses"].removeprefix("$/"), contexts, given)
        else:
            name = described["uses"].partition("@")[0]
            assert name in OF_OTHERS, f"nothing here stands in for {name}"
            try:
                step.outputs = OF_OTHERS[name](self, given)
                step.outcome = "success"
            except ActionError as error:
                step.output, step.outcome = str(error), "failure"

    def _own_action(self, step: Step, path: str, contexts: Mapping[str, Any], given: dict[str, str]) -> None:
        folder = self.github.repository / path
        document = read_yaml(folder / "action.yml")
        declared = document.get("inputs", {})
        assert given.keys() <= declared.keys(), f"{path} has no input {given.keys() - declared.keys()}"
        missing = [name for name, each in declared.items() if each.get("required") and not given.get(name)]
        assert not missing, f"{path} needs {missing}"
        inputs = {name: as_text(each.get("default", "")) for name, each in declared.items()} | given
        around = {**contexts, "inputs": inputs}
        is_fine, steps = self._all(document["runs"]["steps"], around, folder)
        step.outcome = "success" if is_fine else "failure"
        step.outputs = {
            name: as_text(evaluate(each["value"], around | {"steps": steps}))
            for name, each in document.get("outputs", {}).items()
        }

    def _shell(
        self,
        step: Step,
        described: dict[str, Any],
        contexts: Mapping[str, Any],
        variables: dict[str, str],
        action: Path | None,
    ) -> None:
        assert "${{" not in described["run"], "an expression in a script: what it stands for would be run"
        room = self.github.room()
        files = {name: room / name.lower() for name in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY")}
        for file in files.values():
            file.touch()
        env = environment(
            CI="true",
            GITHUB_ACTIONS="true",
            GITHUB_WORKSPACE=str(self.workspace),
            GITHUB_JOB=contexts["github"]["job"],
            GITHUB_REPOSITORY="Example/Shop",
            GITHUB_ACTOR="someone",
            GITHUB_ACTION_PATH=str(action) if action else None,
            RUNNER_TEMP=str(self.temp),
            RUNNER_OS="Linux",
            RUNNER_ARCH="X64",
            **{f"GITHUB_{name}": str(file) for name, file in files.items()},
        )
        env |= {**self.github.environment, **self.added, **variables}
        env["PATH"] = os.pathsep.join([*reversed(self.added_path), env["PATH"]])
        script = room / "script.sh"
        script.write_text(self.github.instead.get(described["run"].strip(), described["run"]))
        done = subprocess.run(
            [*_SHELLS[described.get("shell")], str(script)],
            cwd=self.workspace,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
        )
        step.output = done.stdout
        step.outcome = "success" if done.returncode == 0 else "failure"
        step.outputs = read_commands(files["OUTPUT"])
        step.summary = files["STEP_SUMMARY"].read_text("utf-8")
        self.added |= read_commands(files["ENV"])
        self.added_path += files["PATH"].read_text("utf-8").split()


def read_commands(file: Path) -> dict[str, str]:
    """The names and values of a file of outputs or variables, in both of the ways to write them."""
    found: dict[str, str] = {}
    lines = iter(file.read_text("utf-8").splitlines())
    for line in lines:
        if heredoc := re.fullmatch(r"([^=]+?)<<(.+)", line):
            found[heredoc[1]] = "\n".join(itertools.takewhile(functools.partial(operator.ne, heredoc[2]), lines))
        else:
            name, equals, value = line.partition("=")
            assert equals, f"{line!r} is no output"
            found[name] = value
    return found
