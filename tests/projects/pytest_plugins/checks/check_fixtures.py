import datetime
import os
import socket

import factory
import pytest
from django.contrib.auth.models import User
from pytest_factoryboy import register
from pytest_lazy_fixtures import lf


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda number: f"user{number}")


register(UserFactory)


@pytest.fixture
def one():
    return 1


def test_mocker(mocker):
    mocker.patch("os.getcwd", return_value="/nowhere")
    assert os.getcwd() == "/nowhere"


def test_mocked_clock(mocker):
    mocker.patch("time.time", return_value=0)
    mocker.patch("os.write", side_effect=RuntimeError)


def test_factory(db, user, user_factory):
    assert User.objects.count() == 1
    assert user_factory().pk != user.pk


@pytest.mark.parametrize("number", [lf("one"), 1])
def test_lazy_fixture(number):
    assert number == 1


def test_environment():
    assert os.environ["SHOP_MODE"] == "of the ini"


def test_socket(socket_disabled):
    with pytest.raises(Exception, match="socket"):
        socket.socket()


def test_freezer(freezer, db):
    freezer.move_to("2020-02-02")
    assert datetime.date.today() == datetime.date(2020, 2, 2)
    assert User.objects.count() == 0


def test_time_machine(time_machine, db):
    time_machine.move_to("2030-03-03")
    assert datetime.date.today() == datetime.date(2030, 3, 3)
    assert User.objects.count() == 0


def test_files(tmp_path, tmp_path_factory, cache, pytestconfig, request):
    (tmp_path / "file").write_text("text")
    assert tmp_path_factory.mktemp("more").exists()
    cache.set("shop/key", 1)
    assert cache.get("shop/key", None) == 1
    assert pytestconfig is request.config


def test_worker(worker_id, testrun_uid, request):
    if worker_id != "master":
        assert request.config.workerinput["workerid"] == worker_id
        assert request.config.workerinput["testrunuid"] == testrun_uid
        assert os.environ["PYTEST_XDIST_WORKER"] == worker_id
