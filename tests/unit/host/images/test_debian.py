from pathlib import Path

import pytest

from harness.host.images.debian import (
    AptSource,
    Mirror,
    find_mirror,
    ignores_valid_until,
    machine_mirror,
    parse_sources,
)

DEB822 = """\
# the mirror of the house
Types: deb deb-src
URIs: http://mirror.test/debian/
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.test/debian-security
Suites: bookworm-security
Components: main

Enabled: no
Types: deb
URIs: http://off.test/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.test/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.test/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/x.gpg] https://packages.test/apt stable-tools main  # vendor
deb http://mirror.test/debian/ trixie main contrib # ours
deb-src http://mirror.test/debian trixie main
deb http://mirror.test/flat ./
"""


def test_deb822_stanzas_yield_each_enabled_binary_suite() -> None:
    assert parse_sources({"debian.sources": DEB822}) == (
        AptSource("http://mirror.test/debian", "bookworm", ("main", "contrib")),
        AptSource("http://mirror.test/debian", "bookworm-updates", ("main", "contrib")),
        AptSource("http://mirror.test/debian-security", "bookworm-security", ("main",)),
    )


def test_one_line_sources_are_read_with_options_and_comments() -> None:
    assert parse_sources({"sources.list": ONE_LINE}) == (
        AptSource("https://packages.test/apt", "stable-tools", ("main",)),
        AptSource("http://mirror.test/debian", "trixie", ("main", "contrib")),
        AptSource("http://mirror.test/flat", "./", ()),
    )


def test_other_files_of_the_folder_are_no_sources() -> None:
    assert parse_sources({"debian.sources.bak": DEB822, "sources.list.save": ONE_LINE}) == ()


def test_the_mirror_is_that_of_debian_and_not_of_a_vendor() -> None:
    assert find_mirror(parse_sources({"a.list": ONE_LINE, "b.sources": DEB822})) == Mirror(
        "http://mirror.test/debian", ("main", "contrib"), updates=True, security="http://mirror.test/debian-security"
    )


@pytest.mark.parametrize(
    "text",
    [
        "deb http://archive.test/ubuntu noble main universe",
        "deb cdrom:[Debian] bookworm main",
        "deb file:/srv/mirror bookworm main",
        "deb http://mirror.test/debian bookworm contrib",
    ],
)
def test_what_cannot_serve_a_container_is_no_mirror(text: str) -> None:
    assert find_mirror(parse_sources({"sources.list": text})) is None


def test_another_suite_comes_from_the_same_mirror() -> None:
    mirror = Mirror("http://m.test/debian", ("main",), updates=True, security="http://m.test/debian-security")
    assert mirror.sources("trixie").splitlines() == [
        "deb http://m.test/debian trixie main",
        "deb http://m.test/debian trixie-updates main",
        "deb http://m.test/debian-security trixie-security main",
    ]


def test_a_rolling_suite_has_neither_updates_nor_security() -> None:
    mirror = Mirror("http://m.test/debian", ("main",), updates=True, security="http://m.test/debian-security")
    assert mirror.sources("sid") == "deb http://m.test/debian sid main\n"


def test_the_machines_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert machine_mirror(tmp_path).uri == "http://mirror.test/debian"


def test_a_machine_without_a_mirror_of_debian_takes_debootstraps_own(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://archive.test/ubuntu noble main universe")
    assert machine_mirror(tmp_path) == Mirror("")
    assert Mirror("").sources("trixie") == ""


@pytest.mark.parametrize(
    ("dump", "ignores"),
    [
        ("", False),
        ('Acquire::Check-Valid-Until "true";\n', False),
        ('APT "";\nAcquire::Check-Valid-Until "false";\nDir "/";\n', True),
        ('acquire::check-valid-until "no";\n', True),
        ('Acquire::Check-Valid-Until "false";\nAcquire::Check-Valid-Until "1";\n', False),
        ('Acquire::Check-Valid-Until::deb.test "false";\n', False),
    ],
)
def test_the_machines_apt_says_whether_dates_count(dump: str, ignores: bool) -> None:
    assert ignores_valid_until(dump) is ignores
