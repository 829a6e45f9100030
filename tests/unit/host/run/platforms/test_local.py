"""The parts of a local server's data that are not its programs."""

import os

import pytest

from harness.host.run.platforms.local import c_library


def test_the_c_library_or_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "confstr", lambda _name: "glibc 2.36")
    assert c_library() == "glibc-2.36"

    def unknown(_name: str) -> str:
        raise ValueError

    monkeypatch.setattr(os, "confstr", unknown)
    assert c_library() == f"{os.uname().sysname}-{os.uname().release}"
