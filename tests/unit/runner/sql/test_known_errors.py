from harness.runner.sql.known_errors import advice


def test_an_error_of_a_gtid_primary_names_the_option() -> None:
    error = Exception(1785, "Statement violates ...")
    assert 'replication = "position" in [tool.harness.servers.mysql]' in advice(error)


def test_other_errors_have_no_advice() -> None:
    assert advice(Exception(1146, "no such table")) == ""
    assert advice(Exception()) == ""
