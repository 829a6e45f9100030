"""The expressions of GitHub's workflows, as far as this repository's use them; one that is not understood is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_EXPRESSION = re.compile(r"\$\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|\d+|[A-Za-z_][\w-]*|&&|\|\||[=!]=|[<>!().,])")


class Expression:
    """One expression, evaluated in *contexts*: recursive descent over what this repository's workflows use."""

    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self._text = text
        self._tokens = [match[1] for match in _tokens(text)]
        self._contexts = contexts

    def value(self) -> Any:
        found = self._either()
        assert not self._tokens, f"{self._text!r}: {self._tokens[0]!r} is left over"
        return found

    def _take(self, *wanted: str) -> str:
        if self._tokens and self._tokens[0] in wanted:
            return self._tokens.pop(0)
        return ""

    def _either(self) -> Any:
        left = self._both()
        while self._take("||"):
            right = self._both()
            left = left if is_true(left) else right
        return left

    def _both(self) -> Any:
        left = self._compared()
        while self._take("&&"):
            right = self._compared()
            left = right if is_true(left) else left
        return left

    def _compared(self) -> Any:
        left = self._single()
        if operator := self._take("==", "!=", ">", "<"):
            right = self._single()
            if operator in "><":
                return float(left) > float(right) if operator == ">" else float(left) < float(right)
            return (as_text(left) == as_text(right)) == (operator == "==")
        return left

    def _single(self) -> Any:
        if self._take("!"):
            return not is_true(self._single())
        if self._take("("):
            found = self._either()
            assert self._take(")"), self._text
            return found
        token = self._tokens.pop(0)
        if token[0] == "'":
            return token[1:-1].replace("''", "'")
        if token.isdigit():
            return int(token)
        if token in ("true", "false"):
            return token == "true"
        return self._call(token) if self._take("(") else self._property(token)

    def _call(self, name: str) -> Any:
        given = []
        while not self._take(")"):
            given.append(self._either())
            self._take(",")
        if name == "fromJSON":
            return json.loads(given[0])
        if name == "contains":
            return given[1] in given[0]
        return self._contexts["()"][name]()

    def _property(self, name: str) -> Any:
        assert name in self._contexts, f"{self._text!r}: there is no context {name}"
        found = self._contexts[name]
        while self._take("."):
            key = self._tokens.pop(0)
            found = found.get(key, "") if isinstance(found, Mapping) else ""
        return found


def _tokens(text: str) -> Iterator[re.Match[str]]:
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        assert match, f"{text!r}: {text[place:]!r} is not understood"
        yield match
        place = match.end()


def is_true(value: Any) -> bool:
    return value not in (False, None, "", 0)


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def evaluate(text: Any, contexts: Mapping[str, Any]) -> Any:
    """*text* with its expressions replaced; the value itself where it is nothing but one expression."""
    if not isinstance(text, str):
        return text
    if whole := _EXPRESSION.fullmatch(text.strip()):
        return Expression(whole[1], contexts).value()
    return _EXPRESSION.sub(lambda match: as_text(Expression(match[1], contexts).value()), text)


def condition(text: Any, contexts: Mapping[str, Any]) -> bool:
    """Whether what has this ``if`` is done. One that names no status is done only after success."""
    if text is None:
        return bool(contexts["()"]["success"]())
    text = str(text)
    whole = _EXPRESSION.fullmatch(text.strip())
    inner = whole[1] if whole else text
    if not re.search(r"\b(always|success|failure|cancelled)\(", inner) and not contexts["()"]["success"]():
        return False
    return is_true(Expression(inner, contexts).value())
