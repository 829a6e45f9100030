import pytest

COMMITTING = {"transactional_db", "live_server", "django_db_reset_sequences", "django_db_serialized_rollback"}
COMMITTED = []
"""The tests of this folder in this process that committed and were flushed."""


@pytest.fixture(autouse=True)
def kept_in_mind(request):
    yield
    mark = request.node.get_closest_marker("django_db")
    if COMMITTING & set(request.fixturenames) or (mark and mark.kwargs.get("transaction")):
        COMMITTED.append(request.node.nodeid)
