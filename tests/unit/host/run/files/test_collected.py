"""The files of an archive that comes from where the tests ran."""

from __future__ import annotations

import io
import tarfile

from harness.host.run.files.collected import files


def archive(*members: tuple[str, str | None]) -> list[bytes]:
    """A tar of files with their texts; ``None`` makes a link."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, text in members:
            member = tarfile.TarInfo(name)
            if text is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                tar.addfile(member)
            else:
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
    content = whole.getvalue()
    return [content[:700], content[700:]]


def test_files_stand_in_the_folder_of_their_archive() -> None:
    found = files(archive(("htmlcov/index.html", "page"), ("htmlcov/deep/x", "y")), "out", [9, 99])
    assert dict(found) == {"out/htmlcov/index.html": b"page", "out/htmlcov/deep/x": b"y"}


def test_names_that_lead_out_and_links_are_left_out() -> None:
    forged = archive(("../up", "x"), ("a/../../up", "x"), ("/absolute", "x"), ("link", None), ("new\nline", "x"))
    assert list(files(forged, "", [9, 99])) == []


def test_limits_of_number_and_size_end_it() -> None:
    for left in ([1, 99], [9, 3]):
        assert [name for name, _ in files(archive(("a", "xx"), ("b", "yy")), "", left)] == ["a"]
        assert min(left) < 0
