"""A file that only python_files makes a file of tests."""


def test_in_a_file_of_another_pattern():
    assert True
