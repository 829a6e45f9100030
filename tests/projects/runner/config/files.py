"""Databases in files, in the folder that RUNNER_DIR names."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import database

FOLDER = Path(os.environ["RUNNER_DIR"])

DATABASES = {
    alias: database(FOLDER / f"{alias}.sqlite3", TEST={"NAME": FOLDER / f"test_{alias}.sqlite3"})
    for alias in ("default", "other")
}
DATABASES["replica"] = database(FOLDER / "default.sqlite3", TEST={"MIRROR": "default"})
