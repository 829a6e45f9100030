"""The environments of tox and the sessions of nox, each as a step: its installation, then its commands. Runs nothing."""

from __future__ import annotations

import ast
import configparser
import contextlib
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.host.engines import ENGINES
from harness.host.init.ci_files.steps import Step, inner_folder, text_of
from harness.host.init.ci_files.workflows import mapping
from harness.host.project.packaging_files import table_in

_CONDITION = re.compile(r"\s*([\w,{}!.-]+):\s+(.*)$")
"""A line of ``tox.ini`` that holds for some environments alone: their factors, a colon, the line."""


def tox_steps(root: Path) -> list[Step]:
    """The environments of tox that have commands: of ``tox.ini``, ``setup.cfg``, ``pyproject.toml`` and ``tox.toml``."""
    steps: list[Step] = []
    for name in ("tox.ini", "setup.cfg"):
        if (root / name).is_file():
            steps += _of_ini(name, (root / name).read_text("utf-8", "replace"))
    for name, keys in (("tox.toml", ()), ("pyproject.toml", ("tool", "tox"))):
        with contextlib.suppress(OSError, ValueError):
            table = table_in(tomllib.loads((root / name).read_text("utf-8")), *keys)
            steps += _of_ini(name, text_of(table.get("legacy_tox_ini")))
            steps += _of_toml(name, table)
    return steps


def _of_ini(name: str, text: str) -> Iterator[Step]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    with contextlib.suppress(configparser.Error):
        parser.read_string(text)
    for section in parser.sections():
        if re.match(r"(tox:)?testenv", section) and parser.has_option(section, "commands"):
            read = {
                key: _referred(parser, parser.get(section, key, fallback="") or "")
                for key in ("commands_pre", "commands", "deps", "extras", "dependency_groups", "changedir", "setenv")
            }
            read["changedir"] = read["changedir"] or parser.get(section, "change_dir", fallback="") or ""
            settings = read["setenv"] or parser.get(section, "set_env", fallback="") or ""
            lines = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^\s*#.*\n", "", settings)).splitlines()
            pairs = (re.fullmatch(r"\s*(\w+)\s*=\s*(.*?)\s*", line) for line in lines)
            env = {match[1]: _substituted(match[2]) for match in pairs if match}
            install = _installation(
                read["deps"].splitlines(), _names(read["extras"]), _names(read["dependency_groups"])
            )
            commands = re.sub(r"(?m)^\s*[\w,{}!.-]+:\s+", "", f"{read['commands_pre']}\n{read['commands']}")
            text = "\n".join([install, _substituted(commands)])
            yield Step(name, text, inner_folder(_substituted(read["changedir"])), _known(env))


def _of_toml(name: str, table: Mapping[str, Any]) -> Iterator[Step]:
    base = mapping(table.get("env_run_base"))
    for environment in (base, *map(mapping, mapping(table.get("env")).values())):
        if "commands" not in environment:
            continue
        own = {**base, **environment}
        install = _installation(own.get("deps") or (), own.get("extras") or (), own.get("dependency_groups") or ())
        commands = [*(own.get("commands_pre") or ()), *own["commands"]]
        lines = [shlex.join(_words_of_toml(command)) for command in commands if isinstance(command, list)]
        env = {str(key): _substituted(text_of(value)) for key, value in mapping(own.get("set_env")).items()}
        folder = inner_folder(_substituted(text_of(own.get("change_dir"))))
        yield Step(name, "\n".join([install, *lines]), folder, _known(env))


def _words_of_toml(command: list[object]) -> Iterator[str]:
    """The words of a command; one that tox replaces is its default."""
    for word in command:
        if isinstance(word, str):
            yield from filter(None, [_substituted(word)])
        else:
            default = mapping(word).get("default") or ()
            yield from map(str, default if isinstance(default, list) else [default])


def _installation(deps: Iterable[object], extras: Iterable[str], groups: Iterable[str]) -> str:
    """The command of pip for an environment's packages.

    Of those for some environments alone: requirements files, drivers, and the last Django.
    """
    words = [f".[{','.join(extras)}]"] if (extras := list(extras)) else []
    words += [word for group in groups for word in ("--group", group)]
    newest_django = []
    for line in map(str, deps):
        condition = _CONDITION.match(line)
        text = re.sub(r"\s#.*", "", _substituted(condition[2] if condition else line)).strip()
        is_file = text.startswith(("-r", "--requirement"))
        if condition and re.fullmatch(r"(?i)django\s*[<>=~].*", text):
            newest_django = [text]
        elif text and not text.startswith("#") and (not condition or is_file or _is_driver(text)):
            words += [text] if not text.startswith("-") else text.split()
    words += newest_django
    return shlex.join(["pip", "install", *words]) if words else ""


def _is_driver(requirement: str) -> bool:
    return any(engine.driver.is_named(requirement) for engine in ENGINES.values())


def _names(text: str) -> list[str]:
    return re.findall(r"[\w.-]+", text)


def _referred(parser: configparser.RawConfigParser, text: str) -> str:
    """*text* with the values that it takes from other sections, as in ``{[testenv]deps}``."""
    return re.sub(r"\{\[([\w:-]+)\](\w+)\}", lambda match: parser.get(match[1], match[2], fallback="") or "", text)


def _substituted(text: str) -> str:
    """*text* with the defaults of tox's substitutions; the project's own folder is the current one."""
    text = re.sub(r"\{(?:posargs|env:\w+):([^{}]*)\}", r"\1", text)
    text = text.replace("{posargs}", "").replace("{envpython}", "python").replace("{env_python}", "python")
    text = text.replace("{toxinidir}", ".").replace("{tox_root}", ".")
    return re.sub(r"(?m)^\.$", "", text)


def _known(env: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {key: () if re.search(r"[{}\\]", value) else (value,) for key, value in env.items()}


def nox_steps(root: Path) -> list[Step]:
    """The sessions of ``noxfile.py``, with the arguments that it writes as literals."""
    with contextlib.suppress(OSError, SyntaxError, ValueError):
        tree = ast.parse((root / "noxfile.py").read_bytes())
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        sessions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and _is_session(node))
        return [Step("noxfile.py", "\n".join(_lines_of(session, constants))) for session in sessions]
    return []


def _is_session(function: ast.FunctionDef) -> bool:
    return any("session" in ast.unparse(decorator) for decorator in function.decorator_list)


def _lines_of(session: ast.FunctionDef, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """The shell lines of a session's calls, in their order."""
    name = session.args.args[0].arg if session.args.args else "session"
    nodes = [node for node in ast.walk(session) if isinstance(node, (ast.Call, ast.Assign))]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attr), args=args, keywords=keywords):
                words = [word for arg in args for word in _literals(arg, constants)]
                if owner == name and attr in _PREFIXES:
                    env = next((each.value for each in keywords if each.arg == "env"), None)
                    yield shlex.join([*_assignments(env), *_PREFIXES[attr], *words])
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Attribute(attr="env"), slice=ast.Constant(value=str(key)))],
                value=ast.Constant(value=str(value)),
            ):
                yield shlex.join(["export", f"{key}={value}"])


_PREFIXES = {
    "install": ["pip", "install"],
    "run": [],
    "run_always": [],
    "run_install": [],
    "chdir": ["cd"],
    "cd": ["cd"],
}
"""The methods of a session whose arguments are a command, with the command's first words."""


def _assignments(env: ast.expr | None) -> Iterator[str]:
    pairs = zip(env.keys, env.values, strict=True) if isinstance(env, ast.Dict) else ()
    for key, value in pairs:
        match key, value:
            case ast.Constant(value=str(name)), ast.Constant(value=str(text)):
                yield f"{name}={text}"


def _literals(arg: ast.expr, constants: Mapping[str, ast.expr]) -> Iterator[str]:
    """The words of an argument; ``$NAME`` for one that only the session knows."""
    match arg:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Starred(value=ast.BoolOp(values=[_, default])):  # *(session.posargs or ["tests"])
            yield from _literals(default, constants)
        case ast.Starred(value=ast.Attribute()):  # *session.posargs
            return
        case ast.Starred(value=value):
            yield from _literals(value, constants)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            for element in elements:
                yield from _literals(element, constants)
        case ast.Name(id=name) if name in constants and not isinstance(constants[name], ast.Name):
            yield from _literals(constants[name], constants)
        case _:
            yield "$NAME"
