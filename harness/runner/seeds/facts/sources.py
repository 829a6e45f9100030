"""Facts of one source file: the modules that it imports, the names in it, and what it does that the names do not show.

Pure. Regular expressions read most files, which takes half the time of ``ast``; a file whose use of the settings they cannot
tell is parsed.
"""

from __future__ import annotations

import ast
import hashlib
import re
from dataclasses import dataclass

_IMPORT = re.compile(
    rb"(?:^|;)[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n;#]*)|import[ \t]+([^\n;#]*))",
    re.MULTILINE,
)
_NAME = re.compile(rb"[\w.]+")
_UPPER = re.compile(rb"\b[A-Z][A-Z0-9_]*\b")
_WORD = re.compile(rb"\b[A-Za-z_]\w*\b")
_COMMENT = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)
_PLAIN_SETTING = re.compile(
    rb"\bsettings\.[A-Z][A-Z0-9_]*\b|\b(?:getattr|hasattr)\(\s*settings\s*,\s*[\"']\w+[\"']|\bdjango\.conf\.settings\.[A-Z]\w*"
)
_SETTINGS = re.compile(rb"\bsettings\b")
_VARIABLE = re.compile(rb"\b(?:environ|getenv)\b")
_PLAIN_VARIABLE = re.compile(
    rb"(?:\bos\.)?\b(?:environ(?:\.(?:get|setdefault|pop))?|getenv)\s*[\[(]\s*[\"']|[\"']\w+[\"'] (?:not )?in os\.environ\b"
    rb"|\benviron\.(?:Env|FileAwareEnv|Path)\b"
)
_LITERAL = re.compile(rb"[\"']([^\"'\n]{1,200})[\"']")
_DOTTED = re.compile(rb"[A-Za-z_]\w*(?:\.\w+)+")
_LOADS = re.compile(rb"\b(?:import_module|import_string|__import__|load_backend|exec|eval|run_path|run_module)\s*\(")
_LOADS_PLAIN = re.compile(rb"\b(?:import_module|import_string|__import__)\(\s*[\"'][\w.]+[\"']\s*\)")
_READS = re.compile(
    rb"\b(?:open|read_text|read_bytes|iterdir|glob|rglob|listdir|scandir|walk|fromfile|loadtxt|read_csv|read_excel"
    rb"|parse|get_template|render_to_string|files|get_data|as_file|call_command|loaddata)\s*\("
)
_OUTSIDE = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+"
    rb"(requests|httpx|aiohttp|urllib3|urllib\.request|http\.client|subprocess|socket|boto3|botocore)\b",
    re.MULTILINE,
)


_SECRETS = frozenset({"SECRET_KEY", "SECRET_KEY_FALLBACKS"})
"""Settings that packages name for signatures and sessions, of which no row of a new database is made."""


@dataclass(frozen=True, slots=True)
class Source:
    """The facts of a file.

    ``imports`` are absolute names of modules, or of things in them. ``names`` are the words in capitals, of which some are
    settings; ``variables`` are the words that may be variables of the environment. ``literals`` are the strings of a file that
    reads files. ``reads_settings``, ``reads_environment``, ``loads_modules``: by a name that only the running code knows;
    ``reads_files``: other files. ``outside`` is the package by which it speaks to other programs or hosts; empty for none.
    ``is_placed``: a migration that says itself where it is in the plan, before others or in their place.
    """

    digest: str
    imports: frozenset[str]
    names: frozenset[str]
    variables: frozenset[str] = frozenset()
    literals: frozenset[str] = frozenset()
    reads_settings: bool = False
    reads_environment: bool = False
    loads_modules: bool = False
    outside: str = ""
    reads_files: bool = False
    is_placed: bool = False


def scan(data: bytes, package: str, *, is_own: bool = True) -> Source:
    """The facts of a file with the content *data*, which is in *package*: relative imports begin there.

    Of a file that is not the project's own, only its imports and names count, and its place in the plan.
    """
    digest = hashlib.sha256(data).hexdigest()
    is_placed = b"run_before" in data or b"replaces" in data
    data = data.replace(b"\\\n", b" ")
    imports = frozenset(_imports(data, package))
    names = frozenset(word.decode() for word in _UPPER.findall(data))
    if not is_own:
        return Source(digest, imports, names - _SECRETS, is_placed=is_placed)
    has_environment = _VARIABLE.search(data) is not None or b"env(" in data
    is_reading, is_loading = _READS.search(data) is not None, _LOADS.search(data) is not None
    literals = _literals(data) if is_reading or is_loading else frozenset()
    if is_loading:
        imports |= {each for each in literals if _DOTTED.fullmatch(each.encode())}
    outside = _OUTSIDE.search(data)
    return Source(
        digest,
        imports,
        names,
        variables=frozenset(word.decode() for word in _WORD.findall(data)) if has_environment else frozenset(),
        literals=literals if is_reading else frozenset(),
        reads_settings=b"settings" in data and _reads_settings(data),
        reads_environment=has_environment and _reads_environment(data),
        loads_modules=is_loading and len(_LOADS.findall(data)) > len(_LOADS_PLAIN.findall(data)),
        outside=outside[1].decode() if outside else "",
        reads_files=is_reading,
        is_placed=is_placed,
    )


def _imports(data: bytes, package: str) -> set[str]:
    found = set()
    for origin, names, plain in _IMPORT.findall(data):
        if plain:
            found |= {part.split()[0].decode() for part in plain.split(b",") if part.split()}
            continue
        module = origin.lstrip(b".").decode()
        if level := len(origin) - len(origin.lstrip(b".")):
            parents = package.split(".")
            if level > len(parents):
                continue
            module = ".".join(filter(None, [*parents[: len(parents) - level + 1], module]))
        found.add(module)
        # each name may be a submodule; "as" and the names behind it are none, and do no harm
        found |= {f"{module}.{name.decode()}" for name in _NAME.findall(re.sub(rb"#.*", b"", names))}
    return {name for name in found if re.fullmatch(r"\w+(\.\w+)*", name)}


def _literals(data: bytes) -> frozenset[str]:
    return frozenset(each.decode(errors="replace") for each in _LITERAL.findall(data))


def _reads_settings(data: bytes) -> bool:
    """Whether the file uses Django's settings otherwise than by a name that it spells out."""
    rest = _PLAIN_SETTING.sub(b"", _IMPORT.sub(b"", _COMMENT.sub(b"", data)))
    if not _SETTINGS.search(rest) and b" as " not in data:
        return False
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return True
    aliases = {
        (name.asname or name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.conf"
        for name in node.names
        if name.name == "settings"
    }
    plain = {id(use) for node in ast.walk(tree) if (use := _plain_use(node)) is not None}
    return any(_is_settings(node, aliases) and id(node) not in plain for node in ast.walk(tree))


def _plain_use(node: ast.AST) -> ast.expr | None:
    """The expression before ``.NAME`` or in ``getattr(expression, "NAME")``."""
    match node:
        case ast.Attribute(value=value, attr=attr) if attr.isupper():
            return value
        case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[value, ast.Constant(), *_]):
            return value
    return None


def _is_settings(node: ast.AST, aliases: set[str]) -> bool:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return name in aliases
        case ast.Attribute(value=ast.Name(id="conf") | ast.Attribute(attr="conf"), attr="settings"):
            return True
    return False


def _reads_environment(data: bytes) -> bool:
    rest = _PLAIN_VARIABLE.sub(b"", _IMPORT.sub(b"", _COMMENT.sub(b"", data)))
    return _VARIABLE.search(rest) is not None
