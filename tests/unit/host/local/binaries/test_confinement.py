"""Programs that AppArmor confines, and their copies."""

from pathlib import Path

import pytest

from harness.host.local.binaries import confinement

MYSQLD = Path("/usr/sbin/mysqld")


class TestProfiles:
    @pytest.mark.parametrize(
        ("profile", "expected"),
        [
            ("#include <tunables/global>\n\n/usr/sbin/mysqld {\n  /var/lib/mysql/** rwk,\n}\n", True),
            ("/usr/sbin/mysqld flags=(complain) {\n}\n", True),
            ('profile mysqld "/usr/sbin/mysqld" flags=(attach_disconnected) {\n}\n', True),
            ("# This file is intentionally empty: /usr/sbin/mysqld {\n", False),
            ("/usr/sbin/mysqld-akonadi {\n}\n", False),
            ("/usr/bin/other {\n  /usr/sbin/mysqld rix,\n}\n", False),
        ],
    )
    def test_a_profile_names_its_program(self, profile: str, expected: bool) -> None:
        assert confinement.confines(profile, MYSQLD) is expected

    def test_a_disabled_profile_confines_nothing(self, tmp_path: Path) -> None:
        enabled = tmp_path / "enabled"
        profiles = tmp_path / "profiles"
        (profiles / "disable").mkdir(parents=True)
        assert not confinement.is_confined(MYSQLD, enabled, profiles)
        enabled.write_text("Y\n")
        assert not confinement.is_confined(MYSQLD, enabled, profiles)
        (profiles / "usr.sbin.mysqld").write_text("/usr/sbin/mysqld {\n}\n")
        assert confinement.is_confined(MYSQLD, enabled, profiles)
        assert not confinement.is_confined(Path("/opt/mysqld"), enabled, profiles)
        (profiles / "disable" / "usr.sbin.mysqld").symlink_to(profiles / "usr.sbin.mysqld")
        assert not confinement.is_confined(MYSQLD, enabled, profiles)
        enabled.write_text("N\n")
        (profiles / "disable" / "usr.sbin.mysqld").unlink()
        assert not confinement.is_confined(MYSQLD, enabled, profiles)


class TestCopies:
    def test_a_program_is_copied_once_for_each_of_its_versions(self, tmp_path: Path) -> None:
        program, folder = tmp_path / "mysqld", tmp_path / "programs"
        folder.mkdir()
        program.write_text("#!/bin/sh\necho one\n")
        copy = confinement.copy_of(program, folder)
        assert (copy.read_text(), copy.stat().st_mode & 0o777, copy.name) == (program.read_text(), 0o755, "mysqld")
        inode = copy.stat().st_ino
        assert confinement.copy_of(program, folder) == copy
        assert copy.stat().st_ino == inode
        program.write_text("#!/bin/sh\necho another\n")
        assert "another" in confinement.copy_of(program, folder).read_text()
