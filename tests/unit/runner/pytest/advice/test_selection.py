from harness.runner.pytest.advice.selection import explained, not_found, similar

KNOWN = (
    "tests/test_x.py::test_a",
    "tests/test_x.py::TestA",
    "tests/test_x.py::TestA::test_b[1]",
    "tests/test_x.py::TestA::test_b[2]",
    "tests/test_y.py::test_a",
)


class TestNotFound:
    def test_ids_of_the_arguments_are_those_of_pytests_error(self) -> None:
        text = "not found: /p/tests/test_x.py::TestA::test_b\n(no match in any of [<Class TestA>])"
        asked = ["tests/test_x.py::TestA::test_b[3]", "tests/test_x.py::TestA::test_bb", "test_x.py::TestA::test_a"]
        assert not_found(text, asked) == ["tests/test_x.py::TestA::test_b[3]"]

    def test_a_file_without_tests_is_one_too(self) -> None:
        assert not_found("found no collectors for /p/a.py::test_c", ["a.py::test_c"]) == ["a.py::test_c"]

    def test_other_errors_name_none(self) -> None:
        assert not_found("Unknown config option: x", ["a.py::test_c"]) == []


class TestSimilar:
    def test_another_parameter_of_the_same_test_is_near(self) -> None:
        assert {*similar("tests/test_x.py::TestA::test_b[3]", KNOWN)[:2]} == {*KNOWN[2:4]}

    def test_a_test_in_a_class_that_was_left_out_is_near(self) -> None:
        assert "tests/test_x.py::TestA::test_b[1]" in similar("tests/test_x.py::test_b", KNOWN)

    def test_nothing_is_near_a_name_of_its_own(self) -> None:
        assert similar("elsewhere/checks.py::zebra", KNOWN) == []


class TestExplained:
    def test_near_ids_are_the_next_step(self) -> None:
        error = explained(["tests/test_x.py::test_aa"], KNOWN, {})
        assert error.message == "No test has the id tests/test_x.py::test_aa."
        assert error.hint.startswith("Near ids: tests/test_x.py::test_a")

    def test_without_near_ids_the_file_is(self) -> None:
        assert explained(["a.py::zebra"], (), {}).hint == "harness ci a.py runs the whole file."

    def test_a_file_that_cannot_be_collected_is_the_reason(self) -> None:
        error = explained(["a.py::test_a"], KNOWN, {"a.py": "E   ImportError: x"})
        assert error.message == "pytest cannot collect a.py, so a.py::test_a cannot be found in it."
        assert error.evidence == "E   ImportError: x"
