"""The reference pages say what the option table says.

Run as a program, this file writes the generated parts anew:  PYTHONPATH=. python tests/checks/test_reference.py
"""

import json
import re
import textwrap
import tomllib
from pathlib import Path

import pytest

from harness.errors import SEVERITY, ExitCode
from harness.host.config import load
from harness.host.config.options import OPTIONS, Option

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
COMMANDS = ("ci", "plan", "up", "shell", "down", "merge", "matrix", "images build", "init")

EXAMPLES = {
    "settings": '"shop.settings.test"',
    "bootstrap": '"runtests:configure"',
    "install": '["pip install -r requirements/test.txt"]',
    "ca_certificates": '"/etc/ssl/company.pem"',
    "pip_index_url": '"https://packages.example/simple"',
    "pip_extra_index_urls": '["https://more.example/simple"]',
    "pip_find_links": '["wheels"]',
    "pip_trusted_hosts": '["packages.example"]',
    "pip_constraints": '["constraints.txt"]',
    "http_proxy": '"http://proxy.example:3128"',
    "https_proxy": '"http://proxy.example:3128"',
    "no_proxy": '"localhost,.example"',
    "pattern": '"test*.py"',
    "top_level_directory": '"src"',
    "durations": "10",
    "run_timeout": "1800",
    "lag_check": '"500ms"',
    "env_file": '".env"',
    "workdir": '"tests"',
    "warnings": '["default", "error::DeprecationWarning"]',
    "testrunner": '"shop.runner.Runner"',
}


def keys_listing() -> str:
    """``[tool.harness]`` with every key, commented out at its default."""
    lines = ["[tool.harness]"]
    for option in OPTIONS:
        if not option.in_file or option.key == "servers":
            continue
        ways = " or ".join(filter(None, [option.flag, option.variable])) or "only here"
        about = f"{option.help} ({option.form.expected}; {ways})"
        lines += ["", *(f"# {line}" for line in textwrap.wrap(about, 110))]
        if option.default is None:
            lines.append("# Not set by default; for example:")
        lines.append(f"# {option.key} = {as_toml(option)}")
    servers = next(option for option in OPTIONS if option.key == "servers")
    lines += ["", *(f"# {line}" for line in textwrap.wrap(f"{servers.help} (only here)", 110))]
    lines += ["# Not set by default; for example:", "# [tool.harness.servers.postgres]"]
    lines += ['# image = "postgis/postgis:17-3.5"']
    return "\n".join(["```toml", *lines, "```"])


def as_toml(option: Option) -> str:
    if option.default is None:
        return EXAMPLES[option.key]
    return json.dumps(option.default)  # of strings, numbers, booleans and empty lists and tables, JSON is TOML


def flags_table(command: str) -> str:
    rows = ["| flag | default | meaning | key | variable |", "|---|---|---|---|---|"]
    for option in OPTIONS:
        if option.flags and command in option.commands:
            metavar = f" {option.metavar}" if option.metavar else ""
            flags = ", ".join(f"`{flag}{metavar}`" for flag in option.flags).replace("|", "\\|")
            is_shown = option.default not in (None, []) and not isinstance(option.default, bool)
            default = f"`{option.default}`" if is_shown else ""
            key = f"`{option.key}`" if option.in_file else ""
            variable = f"`{option.variable}`" if option.variable else ""
            rows.append(f"| {flags} | {default} | {option.help} | {key} | {variable} |")
    return "\n".join(rows)


GENERATED = {
    "configuration.md": {"keys": keys_listing()},
    "command-line.md": {command: flags_table(command) for command in COMMANDS},
}
PARTS = [(page, part) for page, parts in GENERATED.items() for part in parts]


def generated_part(text: str, part: str) -> re.Match[str]:
    match = re.search(rf"(?<=<!-- generated: {part} -->\n)(.*?)(?=<!-- end -->)", text, re.DOTALL)
    assert match, f"the page has no generated part {part!r}"
    return match


@pytest.mark.parametrize(("page", "part"), PARTS)
def test_the_pages_are_in_step_with_the_table(page: str, part: str) -> None:
    text = (REFERENCE / page).read_text()
    assert generated_part(text, part)[0].strip("\n") == GENERATED[page][part], "run this file as a program"


def test_every_key_of_the_listing_is_taken_as_it_stands(tmp_path: Path) -> None:
    """The page's own text, uncommented, is a valid file that sets every key."""
    text = generated_part((REFERENCE / "configuration.md").read_text(), "keys")[0]
    uncommented = re.sub(r"^# (?=\w+ = |\[|image)", "", text, flags=re.MULTILINE)
    uncommented = uncommented.strip().removeprefix("```toml").removesuffix("```")
    (tmp_path / "pyproject.toml").write_text(uncommented)
    (tmp_path / ".env").touch()
    loaded = load.load({}, {}, tmp_path)
    for option in OPTIONS:
        if option.in_file:
            assert loaded.sources[option.key] == "pyproject.toml", option.key


def test_the_defaults_of_the_listing_are_the_defaults(tmp_path: Path) -> None:
    text = generated_part((REFERENCE / "configuration.md").read_text(), "keys")[0]
    listed = dict(re.findall(r"(?<!for example:\n)^# (\w+) = (.*)$", text, re.MULTILINE))
    for option in OPTIONS:
        if option.in_file and option.default is not None and option.key != "servers":
            assert tomllib.loads(f"it = {listed[option.key]}")["it"] == option.default


def test_every_exit_code_is_in_the_table() -> None:
    text = (REFERENCE / "command-line.md").read_text()
    section = text.split("## Exit codes")[1].split("\n## ")[0]
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]
    assert sorted(codes) == sorted(ExitCode)
    order = re.search(r"the first of these counts: ([\d, ]+)\.", section)
    assert order
    assert [int(code) for code in order[1].split(", ")] == list(SEVERITY)


def write() -> None:
    for page, parts in GENERATED.items():
        path = REFERENCE / page
        text = path.read_text()
        for part, content in parts.items():
            match = generated_part(text, part)
            text = f"{text[: match.start()]}\n{content}\n\n{text[match.end() :]}"
        path.write_text(text)


if __name__ == "__main__":
    write()
