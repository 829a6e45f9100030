"""Debian's sources, as this machine's own apt names them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.images.debian import (
    AptSource,
    Mirror,
    apt_sources,
    find_mirror,
    ignores_valid_until,
    machine_mirror,
    refusal,
    suites_for,
)
from harness.host.project.python_version import Wanted

DEB822 = """\
# the mirror of the company
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


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives apt these texts as its sources: the one-line file, and a deb822 file."""

    def write(one_line: str = "", deb822: str = "") -> None:
        (tmp_path / "parts").mkdir()
        (tmp_path / "sources.list").write_text(one_line)
        (tmp_path / "parts" / "debian.sources").write_text(deb822)
        (tmp_path / "apt.conf").write_text(
            f'Dir::Etc::sourcelist "{tmp_path}/sources.list"; Dir::Etc::sourceparts "{tmp_path}/parts";'
            f' Dir::State::lists "{tmp_path}/lists";'
        )
        monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))

    return write


class TestSources:
    def test_deb822_stanzas_yield_each_enabled_binary_suite(self, configure: Callable[..., None]) -> None:
        configure(deb822=DEB822)
        assert apt_sources() == (
            AptSource("http://mirror.test/debian", "bookworm", ("main", "contrib")),
            AptSource("http://mirror.test/debian", "bookworm-updates", ("main", "contrib")),
            AptSource("http://mirror.test/debian-security", "bookworm-security", ("main",)),
        )

    def test_one_line_sources_are_read(self, configure: Callable[..., None]) -> None:
        configure(ONE_LINE)
        assert apt_sources()[:2] == (
            AptSource("https://packages.test/apt", "stable-tools", ("main",)),
            AptSource("http://mirror.test/debian", "trixie", ("main", "contrib")),
        )

    def test_a_machine_without_apt_has_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")
        assert apt_sources() == ()


class TestMirror:
    def test_it_is_debians_and_not_a_vendors(self, configure: Callable[..., None]) -> None:
        configure(ONE_LINE, DEB822)
        assert machine_mirror() == Mirror(
            "http://mirror.test/debian",
            ("main", "contrib"),
            updates=True,
            security="http://mirror.test/debian-security",
        )

    @pytest.mark.parametrize(
        "source",
        [
            AptSource("http://archive.test/ubuntu", "noble", ("main", "universe")),
            AptSource("cdrom://Debian", "bookworm", ("main",)),
            AptSource("file:/srv/mirror", "bookworm", ("main",)),
            AptSource("http://mirror.test/debian", "bookworm", ("contrib",)),
        ],
    )
    def test_a_source_that_cannot_serve_a_container_is_none(self, source: AptSource) -> None:
        assert find_mirror([source]) is None

    def test_without_one_debootstrap_takes_its_own(self, configure: Callable[..., None]) -> None:
        configure("deb http://archive.test/ubuntu noble main universe")
        assert machine_mirror() == Mirror("")
        assert Mirror("").sources("trixie") == ""

    def test_another_suite_comes_from_it_too(self) -> None:
        mirror = Mirror("http://m.test/debian", ("main",), updates=True, security="http://m.test/debian-security")
        assert mirror.sources("trixie").splitlines() == [
            "deb http://m.test/debian trixie main",
            "deb http://m.test/debian trixie-updates main",
            "deb http://m.test/debian-security trixie-security main",
        ]

    def test_a_rolling_suite_has_neither_updates_nor_security(self) -> None:
        mirror = Mirror("http://m.test/debian", ("main",), updates=True, security="http://m.test/debian-security")
        assert mirror.sources("sid") == "deb http://m.test/debian sid main\n"


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
def test_expired_release_files_are_taken_as_apt_takes_them(dump: str, ignores: bool) -> None:
    assert ignores_valid_until(dump) is ignores


class TestPythons:
    @pytest.mark.parametrize(
        ("version", "reason"),
        [
            ("3.11", ""),
            ("3.11.2", ""),
            ("3.11.9", "bookworm has Python 3.11.2"),
            ("3.12", "no suite has Python 3.12"),
            ("3.14.1", ""),
        ],
    )
    def test_the_reason_why_no_suite_has_one(self, version: str, reason: str) -> None:
        assert refusal(Wanted(version)) == reason

    @pytest.mark.parametrize(
        ("glibc", "codename", "suites"),
        [
            ("2.17", "", ("trixie", "bookworm", "sid")),
            ("2.36", "bookworm", ("bookworm", "trixie", "sid")),
            ("2.39", "noble", ("trixie", "sid")),
            ("2.41", "trixie", ("trixie", "sid")),
            ("9.9", "", ()),
        ],
    )
    def test_an_interpreter_goes_on_a_suite_with_its_glibc(
        self, glibc: str, codename: str, suites: tuple[str, ...]
    ) -> None:
        assert suites_for(glibc, codename) == suites
