"""The test client, fixtures, settings, mail and a live server, as the documentation of Django 1.4 shows them."""

from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.forms import EmailField
from django.test import (
    Client,
    LiveServerTestCase,
    RequestFactory,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
    skipIfDBFeature,
    skipUnlessDBFeature,
)
from django.test.utils import override_settings, setup_test_environment
from django.urls import path

from pages import views
from pages.models import Customer


class CustomerTests(TestCase):
    fixtures = ["customers.json"]

    def test_a_page_has_its_context_and_template(self):
        response = self.client.get("/customers/")
        self.assertEqual(response.status_code, 200)
        self.assertEqual(len(response.context["customers"]), 3)
        self.assertTemplateUsed(response, "pages/customers.html")
        self.assertContains(response, "<li>", count=3)

    def test_html_is_compared_by_its_meaning(self):
        html = "<ul><li>Ines</li><li>Rut</li> <li>Tomo</li></ul>"
        self.assertHTMLEqual(Client().get("/customers/").content.decode(), html)

    def test_a_post_is_redirected(self):
        response = self.client.post("/customers/add/", {"name": "Ada"}, follow=True)
        self.assertRedirects(response, "/customers/")
        self.assertEqual(response.redirect_chain, [("/customers/", 302)])
        self.assertEqual(Customer.objects.count(), 4)

    def test_the_fixture_is_loaded_anew_for_each_test(self):
        self.assertQuerySetEqual(Customer.objects.order_by("pk"), ["Ines", "Tomo", "Rut"], lambda each: each.name)

    def test_queries_are_counted(self):
        with self.assertNumQueries(2):
            Customer.objects.get(pk=1)
            Customer.objects.count()


class AccountTests(TestCase):
    def setUp(self):
        self.user = User.objects.create_user("ines", "ines@example.com", "open sesame")

    def test_the_client_logs_in_and_out(self):
        self.assertTrue(self.client.login(username="ines", password="open sesame"))
        self.assertEqual(self.client.get("/secret/").content, b"Only for ines.")
        self.client.logout()
        self.assertRedirects(self.client.get("/secret/"), "/enter/?next=/secret/", target_status_code=403)

    def test_a_setting_is_overridden(self):
        with self.settings(LOGIN_URL="/other/"):
            response = self.client.get("/secret/")
            self.assertRedirects(response, "/other/?next=/secret/", fetch_redirect_response=False)

    @override_settings(LOGIN_URL="/other/")
    def test_a_setting_is_overridden_by_a_decorator(self):
        self.assertEqual(settings.LOGIN_URL, "/other/")

    def test_a_request_of_the_factory_has_the_user_that_it_is_given(self):
        request = RequestFactory().get("/secret/")
        request.user = self.user
        self.assertEqual(views.secret(request).status_code, 200)
        request.user = AnonymousUser()
        self.assertEqual(views.secret(request).status_code, 302)

    def test_a_client_that_enforces_csrf_is_refused(self):
        client = Client(enforce_csrf_checks=True)
        self.assertEqual(client.post("/enter/", {"name": "ines"}).status_code, 403)


class MailTests(SimpleTestCase):
    def test_mail_goes_to_the_outbox(self):
        self.client.get("/write/")
        self.assertEqual([each.subject for each in mail.outbox], ["A question"])

    def test_the_outbox_is_empty_before_each_test(self):
        self.assertEqual(mail.outbox, [])


urlpatterns = [path("only/", views.customers)]


@override_settings(ROOT_URLCONF="pages.tests")
class OwnUrlsTests(TestCase):
    def test_only_these_urls_are_there(self):
        self.assertEqual(self.client.get("/only/").status_code, 200)
        self.assertEqual(self.client.get("/customers/").status_code, 404)


class AssertionTests(SimpleTestCase):
    def test_the_output_of_a_field(self):
        self.assertFieldOutput(EmailField, {"a@b.com": "a@b.com"}, {"aaa": ["Enter a valid email address."]})

    def test_the_message_of_an_exception(self):
        with self.assertRaisesMessage(ValidationError, "valid email"):
            EmailField().clean("aaa")


class FeatureTests(TransactionTestCase):
    @skipIfDBFeature("supports_transactions")
    def test_without_transactions(self):
        self.fail("each server of the tests has transactions")

    @skipUnlessDBFeature("supports_transactions")
    def test_with_transactions(self):
        with self.assertRaises(RuntimeError), transaction.atomic():
            Customer.objects.create(name="Ada")
            raise RuntimeError
        self.assertFalse(Customer.objects.exists())


class SequenceTests(TransactionTestCase):
    reset_sequences = True

    def test_first(self):
        self.assertEqual(Customer.objects.create(name="Ada").pk, 1)

    def test_second(self):
        self.assertEqual(Customer.objects.create(name="Bo").pk, 1)


class LiveServerTests(LiveServerTestCase):
    fixtures = ["customers.json"]

    def setUp(self):
        User.objects.create_user("ines", "ines@example.com", "open sesame")

    def test_urllib_sees_the_rows_of_the_fixture(self):
        with urlopen(f"{self.live_server_url}/customers/") as answer:
            self.assertEqual(answer.read().count(b"<li>"), 3)

    def test_the_server_writes_what_the_test_reads(self):
        with urlopen(f"{self.live_server_url}/customers/add/", urlencode({"name": "Ada"}).encode()) as answer:
            self.assertTrue(answer.url.endswith("/customers/"))
        self.assertEqual(Customer.objects.count(), 4)

    def test_the_server_and_the_client_share_a_session(self):
        response = self.client.post("/enter/", {"name": "ines", "password": "open sesame"})
        self.assertRedirects(response, "/secret/")
        with self.assertRaises(HTTPError) as refused:
            urlopen(f"{self.live_server_url}/enter/")
        self.assertEqual(refused.exception.code, 403)


class ByHandTests(SimpleTestCase):
    """Calls of what a runner does, as the documentation shows them for other frameworks."""

    databases = {"default"}

    @skipUnlessDBFeature("test_db_allows_multiple_connections")
    def test_a_database_is_made_used_and_dropped(self):
        before = connection.settings_dict["NAME"]
        name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            self.assertEqual(connection.settings_dict["NAME"], name)
            self.assertNotEqual(name, before)
            Customer.objects.create(name="Ada")
            self.assertEqual(Customer.objects.count(), 1)
        finally:
            connection.creation.destroy_test_db(before, verbosity=0)
        self.assertEqual(connection.settings_dict["NAME"], before)
        self.assertEqual(Customer.objects.count(), 0)

    def test_an_environment_that_is_set_up_is_not_set_up_again(self):
        with self.assertRaisesMessage(RuntimeError, "setup_test_environment() was already called"):
            setup_test_environment()


class OnlyPagesTests(TransactionTestCase):
    available_apps = ["pages"]

    def test_models_of_other_apps_are_hidden(self):
        self.assertTrue(apps.is_installed("pages"))
        self.assertFalse(apps.is_installed("cards"))
