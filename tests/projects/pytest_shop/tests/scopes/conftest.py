"""A fixture of each scope, which counts its set-ups and tear-downs."""

import pytest

from tests.scopes.counts import counted


@pytest.fixture(scope="session")
def of_session():
    with counted("session", ""):
        yield "session"


@pytest.fixture(scope="package")
def of_package(request, of_session):
    with counted("package", request.node.nodeid):
        yield request.node.nodeid


@pytest.fixture(scope="module")
def of_module(request, of_package):
    with counted("module", request.node.nodeid):
        yield request.node.nodeid


@pytest.fixture(scope="class")
def of_class(request, of_module):
    with counted("class", request.node.nodeid):
        yield request.node.nodeid


@pytest.fixture
def of_function(request, of_class):
    with counted("function", request.node.nodeid):
        yield request.node.nodeid


@pytest.fixture(scope="session")
def parametrized_session(request):
    with counted("parametrized", request.param):
        yield request.param
