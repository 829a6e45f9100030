"""Unpacks tar archives on each Python that the tests run on."""

import tarfile
from pathlib import Path


def unpack(tar: tarfile.TarFile, folder: Path) -> None:
    """Unpack *tar* in *folder* without leaving it. Python 3.11 before its release 4 has no filter to ask for that."""
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
    else:
        tar.extractall(folder)
