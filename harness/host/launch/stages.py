"""The stages of a run before and after the tests, in which the project's code takes the time, and their limits.

Pure: events and stacks in, stages and errors out. ``liveness`` measures the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from harness.errors import ProjectError
from harness.protocol.events import Event, PhaseFinished, PhaseStarted, RunPlanned, TopologyFound

_LIBRARIES = ("site-packages", "dist-packages")
FRAMES = 10
"""The number of the project's frames that are shown before all stacks."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a run with a limit. ``goal`` ends the sentence "within 5 s, the project has not ..."; ``key`` is the option.

    ``needs_servers``: its time counts only while the servers are up, since it may wait for them.
    """

    goal: str
    key: str
    needs_servers: bool = True


SETTINGS = Stage("loaded its settings", "setup_timeout", needs_servers=False)
DISCOVERY = Stage("come from its settings to the list of its tests", "setup_timeout")
TEMPLATE = Stage("made its test databases", "template_timeout")
END = Stage("ended after its tests", "setup_timeout")


def next_stage(stage: Stage | None, event: Event) -> Stage | None:
    """The stage after *event*; ``None`` while tests run, which have limits of their own."""
    match event:
        case TopologyFound():
            return DISCOVERY
        case RunPlanned():
            return TEMPLATE
        case PhaseStarted(phase="clones"):
            return None
        case PhaseFinished(phase="tests"):
            return END
    return stage


def hang_error(stage: Stage, limit_s: float, stacks: str, project: str) -> ProjectError:
    """The error for a runner that made no progress within *limit_s* seconds. *stacks* are faulthandler's; *project* is
    the project's folder as the runner sees it.
    """
    frames = [frame for line in stacks.splitlines() if (frame := _project_frame(line, project))]
    where = f": it hangs in {frames[0]}" if frames else ""
    evidence = stacks.strip() or "The place where it hangs is unknown: it did not answer."
    if frames:
        evidence = "\n".join(["the project's frames, most recent call first:", *frames[:FRAMES], "", evidence])
    return ProjectError(
        f"Within {limit_s:g} s, the project has not {stage.goal}{where}.",
        hint=f"If it needs more time: --{stage.key.replace('_', '-')}, or {stage.key} in [tool.harness].",
        evidence=evidence,
    )


def _project_frame(line: str, project: str) -> str | None:
    """``app/tests.py, line 7 in test_it`` for a line of a stack in the project, ``None`` for any other."""
    head, quote, rest = line.strip().partition('"')
    file, quote, place = rest.partition('"')
    if head != "File " or not quote:
        return None
    path = PurePath(file)
    if not path.is_relative_to(project) or set(_LIBRARIES) & set(path.parts):
        return None
    return f"{path.relative_to(project)}{place}"
