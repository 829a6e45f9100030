"""Properties and attributes that tests record for the report."""

import pytest


def test_record_property(record_property):
    record_property("issue", 17)
    record_property("kind", "a <b> & 'c'")
    record_property("kind", "twice")


def test_record_property_of_a_failure(record_property):
    record_property("issue", 18)
    assert 0


def test_user_properties(request):
    request.node.user_properties.append(("added", "to user_properties"))


@pytest.fixture
def noted(record_property):
    record_property("noted", "before")
    yield
    record_property("noted", "after")


def test_property_of_a_fixture(noted):
    pass


def test_property_of_a_skipped_test(record_property):
    record_property("issue", 19)
    pytest.skip("with a property")


@pytest.mark.filterwarnings("ignore::pytest.PytestExperimentalApiWarning")
def test_record_xml_attribute(record_xml_attribute):
    record_xml_attribute("assertions", "3")


@pytest.fixture(scope="session", autouse=True)
def suite_property(record_testsuite_property):
    record_testsuite_property("shop", "open")


def test_record_testsuite_property(record_testsuite_property):
    record_testsuite_property("language", "de")
