"""Programs that AppArmor keeps away from our folders, and their copies, which it does not.

Ubuntu's package confines ``/usr/sbin/mysqld`` to the folders of its own service, on GitHub's runners too: started elsewhere, it
ends with "Permission denied". A profile holds for a path, so a copy of the program under another path works as without it.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from harness.errors import ServerError

ENABLED = Path("/sys/module/apparmor/parameters/enabled")
PROFILES = Path("/etc/apparmor.d")


def is_confined(program: Path, enabled: Path = ENABLED, profiles: Path = PROFILES) -> bool:
    """Whether a profile in the folder *profiles* confines *program* on a machine with AppArmor *enabled*.

    Whether the kernel has loaded it only root can see: a copy then is in vain, and does no harm.
    """
    try:
        if enabled.read_text().strip() != "Y":
            return False
        files = [
            path for path in profiles.iterdir() if path.is_file() and not (profiles / "disable" / path.name).exists()
        ]
        return any(confines(path.read_text(errors="replace"), program) for path in files)
    except OSError:
        return False


def confines(profile: str, program: Path) -> bool:
    """Whether the text *profile* has a profile for *program*, by its path."""
    attached = rf"^\s*(?:profile\s+\S+\s+)?\"?{re.escape(str(program))}\"?(?:\s+[^#{{]*)?\{{"
    return re.search(attached, profile, re.MULTILINE) is not None


def copy_of(program: Path, folder: Path) -> Path:
    """A copy of *program* below *folder*, made if there is none of this very file. Raises ``ServerError``."""
    try:
        status = program.stat()
        state = f"{program} {status.st_size} {status.st_mtime_ns} {status.st_ino}"
        target = folder / f"{program.name}-{hashlib.sha256(state.encode()).hexdigest()[:12]}" / program.name
        if target.is_file() and target.stat().st_size == status.st_size:
            return target
        with tempfile.TemporaryDirectory(dir=folder, prefix=".copy-") as name:
            target.parent.mkdir(exist_ok=True)
            target.parent.chmod(0o755)
            made = Path(name, program.name)
            shutil.copyfile(program, made)
            made.chmod(0o755)
            made.replace(target)
    except OSError as error:
        raise ServerError(
            f"{program} could not be copied into {folder}; AppArmor confines it to its own service's folders.",
            hint="Look at the space and the rights of that folder, or set HARNESS_CACHE to another one.",
            evidence=str(error),
        ) from error
    return target
