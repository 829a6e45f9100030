"""The other fixtures of pytest-django."""

import asyncio
import json
import urllib.request

import pytest
from django.core import mail
from django.http import HttpRequest

from shop import orders, views
from shop.models import Category, Order, Product


def test_client(client, db):
    answer = client.get("/")
    assert answer.json() == {"names": ["tea", "coffee"], "page_size": 10}


def test_admin_client(admin_client, admin_user):
    assert admin_client.get("/staff/").content == f"hello {admin_user}".encode()


def test_client_is_not_logged_in(client, db):
    assert client.get("/staff/").status_code == 302


def test_request_factory(rf, db):
    request = rf.get("/")
    assert isinstance(request, HttpRequest)
    assert views.products(request).status_code == 200


@pytest.mark.django_db
def test_async_client(async_client):
    answer = asyncio.run(async_client.get("/nowhere/"))
    assert answer.status_code == 404


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_async_orm(async_client):
    category = await Category.objects.acreate(name="asynchronous")
    assert await Category.objects.filter(pk=category.pk).acount() == 1
    assert (await async_client.get("/")).status_code == 200


def test_async_request_factory(async_rf):
    assert async_rf.get("/").path == "/"


def test_settings(settings, client, db):
    settings.PAGE_SIZE = 3
    assert client.get("/").json()["page_size"] == 3


def test_settings_are_back(settings):
    assert settings.PAGE_SIZE == 10


def test_mailoutbox(product, mailoutbox, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        order = orders.place(product, 2)
    assert len(callbacks) == 1
    assert [each.subject for each in mailoutbox] == [f"Order {order.pk}"]
    assert mailoutbox is mail.outbox


def test_mailoutbox_is_empty_again(mailoutbox):
    assert mailoutbox == []


def test_callbacks_are_not_run(product, mailoutbox, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        orders.place(product)
    assert len(callbacks) == 1
    assert not mailoutbox


def test_number_of_queries(django_assert_num_queries, product):
    with django_assert_num_queries(2):
        list(Product.objects.all())
        list(Category.objects.all())


def test_number_of_queries_fails(django_assert_num_queries, product):
    """The failure lists the queries."""
    with django_assert_num_queries(2):
        list(Product.objects.all())


def test_greatest_number_of_queries(django_assert_max_num_queries, product):
    with django_assert_max_num_queries(2):
        list(Product.objects.all())


def test_user_model(django_user_model, django_username_field, db):
    user = django_user_model.objects.create_user(**{django_username_field: "ada", "password": "secret"})
    assert user.check_password("secret")


@pytest.mark.urls("tests.database.other_urls")
def test_urls(client):
    assert client.get("/other/").content == b"other"


def test_urls_are_back(client, db):
    assert client.get("/other/").status_code == 404


def test_order_is_placed(client, product):
    body = json.dumps({"name": "cake", "quantity": 3})
    answer = client.post("/orders/", body, content_type="application/json")
    assert (answer.status_code, answer.json()) == (201, {"total": "12.00"})
    assert Order.objects.get().product == product


def test_live_server(live_server):
    Product.objects.create(name="over the wire", price=1)
    with urllib.request.urlopen(f"{live_server.url}/") as answer:
        assert json.loads(answer.read())["names"][-1] == "over the wire"


def test_live_server_again(live_server):
    with urllib.request.urlopen(live_server + "/") as answer:
        assert "over the wire" not in json.loads(answer.read())["names"]
