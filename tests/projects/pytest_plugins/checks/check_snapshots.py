from inline_snapshot import snapshot as inline


def test_snapshot(snapshot):
    assert {"total": 12} == snapshot


def test_snapshot_fails(snapshot):
    assert {"total": 13} == snapshot


def test_inline():
    assert 1 + 1 == inline(2)
