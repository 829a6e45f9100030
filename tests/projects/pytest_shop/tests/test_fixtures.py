"""Fixtures that err, skip and clean up."""

import pytest

EVENTS = []


@pytest.fixture
def errs_in_set_up():
    raise RuntimeError("set-up errs")


@pytest.fixture
def errs_in_tear_down():
    yield
    raise RuntimeError("tear-down errs")


@pytest.fixture
def fails_in_set_up():
    assert 1 == 2, "an assertion in a fixture"


@pytest.fixture
def skips_in_tear_down():
    yield
    pytest.skip("too late")


@pytest.fixture
def yields_twice():
    yield
    yield


@pytest.fixture
def also_errs_in_tear_down():
    yield
    raise ValueError("another tear-down errs")


def test_set_up_errs(errs_in_set_up):
    raise AssertionError("not reached")


def test_set_up_fails(fails_in_set_up):
    raise AssertionError("not reached")


def test_unknown_fixture(there_is_no_such_fixture):
    raise AssertionError("not reached")


def test_tear_down_errs_after_a_pass(errs_in_tear_down):
    pass


def test_tear_down_errs_after_a_failure(errs_in_tear_down):
    assert 0, "the call fails"


def test_tear_down_errs_after_a_skip(errs_in_tear_down):
    pytest.skip("skipped in the call")


@pytest.mark.xfail(reason="known")
def test_tear_down_errs_after_an_xfail(errs_in_tear_down):
    assert 0


def test_tear_down_errs_after_a_set_up_that_errs(errs_in_tear_down, errs_in_set_up):
    raise AssertionError("not reached")


def test_two_tear_downs_err(errs_in_tear_down, also_errs_in_tear_down):
    pass


def test_tear_down_skips(skips_in_tear_down):
    pass


def test_yields_twice(yields_twice):
    pass


@pytest.mark.ordered
def test_failing_finalizer(request):
    request.addfinalizer(lambda: EVENTS.append("finalized"))
    assert 0, "the finalizer runs nevertheless"


@pytest.mark.ordered
def test_finalizer_ran_after_the_failure():
    """Passes in the process that ran the test before it; they share a unit, the module."""
    assert EVENTS == ["finalized"]


@pytest.fixture(scope="module")
def module_finalized():
    """Keeps the module in one piece."""
    yield EVENTS


def test_keeps_the_module_together(module_finalized):
    assert module_finalized is EVENTS


@pytest.fixture
def closed(tmp_path):
    file = (tmp_path / "basket").open("w")
    yield file
    file.close()


@pytest.mark.usefixtures("closed")
class TestUsefixtures:
    def test_the_mark_of_the_class(self, request):
        assert "closed" in request.fixturenames

    @pytest.mark.usefixtures("errs_in_set_up")
    def test_the_mark_of_the_method_errs(self):
        raise AssertionError("not reached")


def test_asked_for_while_it_runs(request):
    assert not request.getfixturevalue("closed").closed


class TestAutouse:
    ran = False

    @pytest.fixture(autouse=True)
    def run(self):
        self.ran = True
        yield
        assert self.ran == "by the test"

    def test_it_ran(self):
        assert self.ran
        self.ran = "by the test"


def test_temporary_folders(tmp_path, tmp_path_factory, tmpdir):
    assert tmp_path.parent == tmp_path_factory.getbasetemp()
    assert str(tmpdir) == str(tmp_path)
    assert not list(tmp_path.iterdir())


def test_cache(cache):
    cache.set("shop/value", 1)
    assert cache.get("shop/value", None) == 1


def test_monkeypatch_changes(monkeypatch):
    monkeypatch.setattr("shop.orders.exchange_rate", lambda currency: 2)
    from shop import orders

    assert orders.exchange_rate("EUR") == 2


def test_monkeypatch_was_undone():
    from shop import orders

    with pytest.raises(NotImplementedError):
        orders.exchange_rate("EUR")
