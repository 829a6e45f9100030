import pytest

from tests.scopes.counts import counted


@pytest.fixture(scope="package")
def of_inner(request):
    with counted("package", f"{request.node.nodeid} (inner)"):
        yield f"{request.node.nodeid} (inner)"
