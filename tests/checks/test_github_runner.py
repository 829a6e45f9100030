"""What stands in for GitHub's runner in tests/e2e/test_workflows.py understands expressions and files as GitHub does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.github_expressions import condition, evaluate
from tests.github_runner import _matrix, read_commands

CONTEXTS = {
    "inputs": {"db": "postgres:17", "empty": "", "restore-key": "a-b"},
    "github": {"run_attempt": "2", "event": {"release": {"tag_name": "v1"}}},
    "needs": {"plan": {"result": "success", "outputs": {"matrix": '{"include": [{"db": "sqlite"}]}'}}},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        (7, 7),
        ("${{ inputs.db }}", "postgres:17"),
        ("${{ inputs.restore-key }}.${{ inputs.db }}", "a-b.postgres:17"),
        ("${{ inputs.nothing }}", ""),
        ("${{ github.event.release.tag_name }}", "v1"),
        ("${{ github.run_attempt > 1 }}", True),
        ("x-${{ github.run_attempt > 2 }}", "x-false"),
        ("${{ inputs.empty || 'other' }}", "other"),
        ("${{ inputs.db && 'other' }}", "other"),
        ("${{ inputs.db == 'postgres:17' && inputs.empty != '' }}", False),
        ("${{ !inputs.empty }}", True),
        ("${{ !(inputs.empty || inputs.db) }}", False),
        ("${{ 'it''s' }}", "it's"),
        ("${{ contains(fromJSON('[\"a\", \"b\"]'), 'b') }}", True),
        ("${{ fromJSON(needs.plan.outputs.matrix) }}", {"include": [{"db": "sqlite"}]}),
    ],
)
def test_expressions(text: int | str, value) -> None:
    assert evaluate(text, CONTEXTS) == value


@pytest.mark.parametrize("text", ["${{ nowhere.db }}", "${{ inputs.db inputs.db }}", "${{ inputs.db + 1 }}"])
def test_what_is_not_understood_is_an_error(text: str) -> None:
    with pytest.raises(AssertionError):
        evaluate(text, CONTEXTS)


@pytest.mark.parametrize(
    ("text", "after_success", "after_failure"),
    [
        (None, True, False),
        ("inputs.db != ''", True, False),
        ("inputs.empty != ''", False, False),
        ("always()", True, True),
        ("always() && inputs.empty != ''", False, False),
        ("${{ !cancelled() && needs.plan.result == 'success' }}", True, True),
        ("failure()", False, True),
    ],
)
def test_conditions_ask_for_success_unless_they_say_otherwise(
    text: str | None, after_success: bool, after_failure: bool
) -> None:
    for is_fine, expected in ((True, after_success), (False, after_failure)):
        status = {
            "success": lambda fine=is_fine: fine,
            "failure": lambda fine=is_fine: not fine,
            "always": lambda: True,
            "cancelled": lambda: False,
        }
        assert condition(text, {**CONTEXTS, "()": status}) is expected


def test_a_matrix_is_the_product_of_its_axes_and_what_is_included() -> None:
    assert _matrix({"a": [1, 2], "b": ["x"]}) == [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]
    assert _matrix({"include": [{"db": "sqlite"}]}) == [{"db": "sqlite"}]
    assert _matrix("") == [{}]
    with pytest.raises(AssertionError, match="empty matrix"):
        _matrix({"include": []})


def test_outputs_of_one_line_and_of_several(tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("a=1\nb=x=y\nc<<END\none\ntwo\nEND\nd=\n")
    assert read_commands(file) == {"a": "1", "b": "x=y", "c": "one\ntwo", "d": ""}
    file.write_text("no output\n")
    with pytest.raises(AssertionError, match="is no output"):
        read_commands(file)
