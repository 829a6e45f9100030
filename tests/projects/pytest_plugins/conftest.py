import json
import os

import pytest


class Recipe(pytest.File):
    def collect(self):
        for number, line in enumerate(self.path.read_text().splitlines()):
            yield Step.from_parent(self, name=f"step {number}", line=line)


class Step(pytest.Item):
    """An item without a function, whose id has no class."""

    def __init__(self, *, line, **more):
        super().__init__(**more)
        self.line = line

    def runtest(self):
        assert self.line != "burn it", "burnt"

    def repr_failure(self, excinfo, style=None):
        return f"the step failed: {excinfo.value}"

    def reportinfo(self):
        return self.path, 0, f"step: {self.line}"


class WholeFile(pytest.Item):
    def runtest(self):
        pass


class Whole(pytest.File):
    def collect(self):
        yield WholeFile.from_parent(self, name="")


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".recipe":
        return Recipe.from_parent(parent, path=file_path)
    return None


class Data:
    """Each worker hands a number over, as plugins do under pytest-xdist."""

    def pytest_testnodedown(self, node, error):
        self.config.stash.setdefault(KEY, []).append(node.workeroutput["data"])


KEY = pytest.StashKey()
heard = []


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        data = Data()
        data.config = config
        config.pluginmanager.register(data)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["data"] = session.config.workerinput["workerid"]


def pytest_runtest_logreport(report):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        heard.append((report.nodeid, report.when, report.outcome))


def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.section("heard")
    statistics = {name: len(reports) for name, reports in terminalreporter.stats.items() if name}
    terminalreporter.write_line(json.dumps({"data": sorted(config.stash.get(KEY, [])), "heard": len(heard), **statistics}))
