"""A test that deletes files of the project, which is there in a container alone. As in ``test_workers``."""

import shutil
from pathlib import Path


class FilesTests:
    """a test that deletes the project's files: the tests after it are told as before"""

    expected = {"test_1_deletes": "PASSED", "test_2_after": "FAILED"}
    shows = {"test_2_after": "still told"}

    def test_1_deletes(self):
        Path(__file__).unlink()
        shutil.rmtree("shop")

    def test_2_after(self):
        assert not Path(__file__).exists()
        raise AssertionError("still told")
