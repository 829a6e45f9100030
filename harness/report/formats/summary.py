"""``summary.json``: the run in numbers, for programs. Pure; owns the format, of which this is version 1."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

from harness.report.model.run_report import PHASES, RunReport
from harness.report.model.verdict import Verdict

VERSION = 1


def build(report: RunReport, verdict: Verdict) -> str:
    """The text of ``summary.json``; its keys are a contract with users (``docs/reference/artifacts.md``)."""
    return json.dumps(content(report, verdict), indent=2) + "\n"


def content(report: RunReport, verdict: Verdict) -> dict[str, Any]:
    """The content of ``summary.json``, as JSON's own types."""
    return {
        "version": VERSION,
        "verdict": verdict.word,
        "exit_code": int(verdict.exit_code),
        "counts": dataclasses.asdict(report.counts()),
        "phases": {
            **{name: rounded(report.phase_seconds(name)) for name in PHASES},
            "total": rounded(report.total_s),
        },
        "servers": [
            {
                "id": server.server,
                "engine": server.engine,
                "version": server.version,
                "role": server.role,
                "primary": server.primary,
                "image": server.image,
                "ready_s": rounded(server.ready_s),
            }
            for server in report.servers
        ],
        "aliases": {
            alias.alias: {
                "server": alias.server,
                "database": alias.database,
                "mirror_of": alias.mirror_of,
                "dependencies": list(alias.dependencies),
                "mode": alias.mode,
            }
            for alias in report.aliases
        },
        "workers": report.workers,
        "seed": report.seed,
        "python": report.python,
        "django": report.django,
        "backend": report.asked.backend if report.asked else None,
        "settings": report.settings or (report.asked.settings if report.asked else ""),
    }


def rounded(value: float) -> float:
    return round(value, 3) if math.isfinite(value) else 0.0
