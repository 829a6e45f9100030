"""Checks a ``trace.json`` as a reader of Chrome's trace format does: a schema of each event, and the rules that no schema has.

Source: "Trace Event Format", and Perfetto's page on external formats: events of one track must nest, times are microseconds.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import jsonschema

WHERE = {"pid": {"type": "integer", "minimum": 1}, "tid": {"type": "integer", "minimum": 0}}
TIME = {"type": "integer", "minimum": 0}
NAME = {"type": "string", "minLength": 1}


def _event(ph: str, required: tuple[str, ...] = (), **properties: object) -> dict[str, Any]:
    known = {"ph": {"const": ph}, "name": NAME, "ts": TIME, **WHERE, **properties}
    wanted = [*({*known} - {"args"}), *required]
    return {"type": "object", "properties": known, "required": wanted, "additionalProperties": False}


SCHEMA = {
    "type": "object",
    "required": ["traceEvents", "displayTimeUnit", "otherData"],
    "additionalProperties": False,
    "properties": {
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "otherData": {"type": "object", "properties": {"began_at": {"type": "number"}}},
        "traceEvents": {
            "type": "array",
            "items": {
                "oneOf": [
                    _event("X", cat=NAME, dur=TIME, args={"type": "object"}),
                    _event("i", cat=NAME, s={"enum": ["g", "p", "t"]}),
                    _event(
                        "M",
                        ("args",),
                        name={"enum": ["process_name", "process_sort_index", "thread_name", "thread_sort_index"]},
                        args={
                            "type": "object",
                            "properties": {"name": NAME, "sort_index": {"type": "integer"}},
                            "minProperties": 1,
                            "maxProperties": 1,
                        },
                    ),
                ]
            },
        },
    },
}
_VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


class Trace:
    """A checked trace: ``spans`` are its events with a duration, by the titles of their process and track."""

    def __init__(self, text: str) -> None:
        document = json.loads(text, parse_constant=_refuse)
        _VALIDATOR.validate(document)
        self.events: list[dict[str, Any]] = document["traceEvents"]
        processes, tracks = self._names("process_name"), self._names("thread_name")
        self.processes = [processes[pid, 0] for pid, _ in processes]
        self.spans: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for event in self.events:
            if event["ph"] == "X":
                track = (processes[event["pid"], 0], tracks[event["pid"], event["tid"]])
                self.spans[track].append(event)
        for track, spans in self.spans.items():
            _check_nesting(track, spans)
        self.marks = [event["name"] for event in self.events if event["ph"] == "i"]

    def _names(self, kind: str) -> dict[tuple[int, int], str]:
        named = [(event["pid"], event["tid"], event["args"]["name"]) for event in self.events if event["name"] == kind]
        names = {(pid, tid): name for pid, tid, name in named}
        assert len(names) == len(named), f"a {kind} is given twice"
        return names

    def of(self, category: str) -> list[dict[str, Any]]:
        """The events with a duration of *category*, of all tracks."""
        return [event for spans in self.spans.values() for event in spans if event["cat"] == category]

    def names(self, category: str) -> list[str]:
        return [str(event["name"]) for event in self.of(category)]

    def around(self, event: dict[str, Any]) -> list[str]:
        """The names of the events that contain *event* on its track, the outermost first."""
        return [
            other["name"]
            for spans in self.spans.values()
            for other in spans
            if other is not event and (other["pid"], other["tid"]) == (event["pid"], event["tid"])
            if other["ts"] <= event["ts"] and other["ts"] + other["dur"] >= event["ts"] + event["dur"]
            if other["dur"] > event["dur"]
        ]


def _check_nesting(track: tuple[str, str], spans: list[dict[str, Any]]) -> None:
    """Each event begins after the one before it in the file, and is within it or follows it."""
    open_ends: list[int] = []
    last = 0
    for event in spans:
        begin, end = event["ts"], event["ts"] + event["dur"]
        assert begin >= last, f"{track}: {event['name']} begins before the event above it"
        while open_ends and open_ends[-1] <= begin:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1], f"{track}: {event['name']} ends after the event that it is in"
        open_ends.append(end)
        last = begin


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
