"""``ci/bench`` runs: its help says the figures, and a figure comes out as a table and as JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ci.benchmark import scale
from ci.benchmark.__main__ import NAMES
from ci.benchmark.empty import MANY, SETTINGS

ROOT = Path(__file__).parents[2]


def bench(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ci.benchmark", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_the_help_names_every_figure_of_the_reference() -> None:
    done = bench("--help")
    assert done.returncode == 0, done.stderr
    reference = (ROOT / "docs" / "reference" / "benchmark.md").read_text()
    for name in NAMES:
        assert name in done.stdout
        assert f"`{name}`" in reference


def test_a_figure_that_there_is_not_is_refused() -> None:
    done = bench("--only", "everything")
    assert done.returncode == 2
    assert "'pair'" in done.stderr


@pytest.mark.docker
def test_a_figure_is_measured(tmp_path: Path) -> None:
    target = tmp_path / "bench.json"
    done = bench("--only", "pair", "--repeat", 1, "--json", target)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[:2]] == ["figure", "pair"]
    content = json.loads(target.read_text())
    (figure,) = content["figures"]
    assert figure["id"] == "pair"
    assert content["machine"]["rounds"] == 1
    for side in ("ours", "theirs"):
        assert len(figure[side]["samples"]) == 1
        assert figure[side]["median"] > 0


def test_the_other_side_of_capture_captures_nothing(tmp_path: Path) -> None:
    test = "\nclass RedTests(TalkingTests):\n    def test_red(self):\n        self.talk()\n        self.fail('red')\n"
    files = {
        "settings.py": SETTINGS,
        "settings_off.py": scale.OFF,
        "many/test_red.py": scale.TALKING.replace("COUNT", "0") + test,
    }
    scale.write(tmp_path, files)
    found = {}
    for settings in ("settings", "settings_off"):
        artifacts = tmp_path / settings
        command = scale.ci_command(tmp_path, artifacts, MANY, f"--settings={settings}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 1, done.stderr
        found[settings] = "said by a test" in (artifacts / "junit.xml").read_text()
    assert found == {"settings": True, "settings_off": False}
