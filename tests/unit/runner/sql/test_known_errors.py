from harness.runner.sql.known_errors import advice


def test_the_error_of_a_gtid_primary_alone_names_the_option() -> None:
    assert 'replication = "position" in [tool.harness.servers.mysql]' in advice(
        Exception(1785, "Statement violates ...")
    )
    assert advice(Exception(1146, "no such table")) == ""
    assert advice(Exception()) == ""
