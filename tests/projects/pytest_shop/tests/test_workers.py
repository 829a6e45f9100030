"""The worker, as the fixtures and variables of pytest-xdist name it; ``-n 0`` has none."""

import os
import time

import pytest


def test_worker_id(worker_id, record_property):
    record_property("worker", worker_id)
    assert worker_id == os.environ.get("PYTEST_XDIST_WORKER", "master")


def test_worker_count(record_property):
    count = os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")
    record_property("workers", count)
    assert count.isdigit()


def test_number_of_the_worker_is_below_the_count(worker_id):
    if worker_id != "master":
        assert worker_id.startswith("gw")
        assert int(worker_id.removeprefix("gw")) < int(os.environ["PYTEST_XDIST_WORKER_COUNT"])


@pytest.mark.parametrize("number", range(3))
def test_testrun_uid(testrun_uid, number, common, record_property):
    """One for all workers, as is the folder."""
    record_property("run", f"{testrun_uid} {common}")
    file = common / "uid"
    note(file, testrun_uid)
    assert file.read_text() == testrun_uid


@pytest.fixture(scope="session")
def common(tmp_path_factory, worker_id):
    """A folder that the workers share, as the documentation of pytest-xdist finds one."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def prepared_once(common):
    """Work that one worker does for all: the others read what it left."""
    if note(common / "once", str(os.getpid())):
        (common / "made").write_text("made")
    for _ in range(100):
        if (common / "made").exists():
            return (common / "once").read_text()
        time.sleep(0.1)
    raise AssertionError("the other worker has not made it")


@pytest.mark.parametrize("number", range(4))
def test_prepared_once(prepared_once, number):
    assert int(prepared_once)


@pytest.mark.xdist_group("counter")
@pytest.mark.parametrize("number", range(4))
def test_group_runs_in_one_worker(number, common, worker_id):
    file = common / "group"
    note(file, worker_id)
    assert file.read_text() == worker_id


@pytest.mark.xdist_group("counter")
class TestOfTheSameGroup:
    def test_runs_in_the_same_worker(self, common, worker_id):
        file = common / "group"
        note(file, worker_id)
        assert file.read_text() == worker_id


def note(file, text):
    """Writes *text* if nobody has written *file*; says whether it did."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    temporary.write_text(text)
    try:
        os.link(temporary, file)
    except FileExistsError:
        return False
    return True
