from datetime import timedelta
from io import StringIO
from unittest import mock

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core import mail
from django.core.management import call_command
from django.test import TestCase, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import LoginEvent
from testing.factories import make_customer, make_user

PBKDF2 = "django.contrib.auth.hashers.PBKDF2PasswordHasher"
MD5 = "django.contrib.auth.hashers.MD5PasswordHasher"


class SignUpTests(TestCase):
    databases = {"default", "catalog"}

    def sign_up(self):
        secret = "correct horse battery"
        data = {"username": "grace", "email": "grace@example.com", "password1": secret, "password2": secret}
        return self.client.post(reverse("accounts:signup"), data)

    def test_shows_the_form(self):
        self.assertContains(self.client.get(reverse("accounts:signup")), "Create an account")

    def test_logs_in_and_greets(self):
        with self.captureOnCommitCallbacks(execute=True):
            response = self.sign_up()
        self.assertRedirects(response, reverse("accounts:profile"))
        self.assertEqual([message.subject for message in mail.outbox], ["Welcome to Storefront"])
        self.assertIn("Dear grace", mail.outbox[0].body)

    def test_greets_nobody_before_the_commit(self):
        with self.captureOnCommitCallbacks() as callbacks:
            self.sign_up()
        self.assertEqual(len(callbacks), 1)
        self.assertEqual(mail.outbox, [])

    def test_a_taken_name_is_refused(self):
        make_user("grace", email="other@example.com")
        response = self.sign_up()
        self.assertEqual(response.status_code, 200)
        self.assertFormError(response.context["form"], "username", "A user with that username already exists.")


@override_settings(PASSWORD_HASHERS=[PBKDF2, MD5])
@mock.patch.object(PBKDF2PasswordHasher, "iterations", 60_000)
class PasswordTests(TestCase):
    def test_the_real_hasher_lets_the_right_password_in(self):
        user = make_user("ada", password="correct horse battery")
        self.assertTrue(user.password.startswith("pbkdf2_sha256$"))
        self.assertTrue(self.client.login(username="ada", password="correct horse battery"))

    def test_the_real_hasher_keeps_a_wrong_password_out(self):
        make_user("ada", password="correct horse battery")
        self.assertFalse(self.client.login(username="ada", password="wrong horse battery"))

    def test_an_old_hash_is_renewed_at_login(self):
        with self.settings(PASSWORD_HASHERS=[MD5]):
            user = make_user("ada", password="correct horse battery")
        self.client.login(username="ada", password="correct horse battery")
        user.refresh_from_db()
        self.assertTrue(user.password.startswith("pbkdf2_sha256$"))


class LoginTests(TestCase):
    def test_each_login_is_recorded(self):
        user = make_user("ada")
        self.client.force_login(user)
        self.client.force_login(user)
        self.assertEqual(user.logins.count(), 2)

    def test_the_address_is_recorded(self):
        make_user("ada", password="correct horse battery")
        data = {"username": "ada", "password": "correct horse battery"}
        self.client.post(reverse("accounts:login"), data, REMOTE_ADDR="192.0.2.7")
        self.assertEqual(LoginEvent.objects.get().ip_address, "192.0.2.7")


class ProfileTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer("ada", loyalty_points=12)

    def test_is_for_whoever_has_logged_in(self):
        response = self.client.get(reverse("accounts:profile"))
        self.assertRedirects(response, f"{reverse('accounts:login')}?next={reverse('accounts:profile')}")

    def test_shows_the_points(self):
        self.client.force_login(self.customer.user)
        self.assertContains(self.client.get(reverse("accounts:profile")), "12 points")

    def test_the_first_address_becomes_the_default(self):
        self.client.force_login(self.customer.user)
        data = {"label": "Home", "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"}
        self.client.post(reverse("accounts:address-create"), data)
        response = self.client.post(reverse("accounts:address-create"), {**data, "label": "Work"}, follow=True)
        self.assertContains(response, "The address is saved.")
        self.assertEqual([one.is_default for one in response.context["addresses"]], [True, False])


class PruneLoginsTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        user = make_user()
        now = timezone.now()
        LoginEvent.objects.bulk_create(LoginEvent(user=user, at=now - timedelta(days=age)) for age in (1, 80, 91, 400))

    def run_command(self, *arguments):
        out = StringIO()
        call_command("prune_logins", *arguments, stdout=out, no_color=True)
        return out.getvalue()

    def test_removes_the_old(self):
        self.assertEqual(self.run_command(), "Removed 2 logins older than 90 days.\n")
        self.assertEqual(LoginEvent.objects.count(), 2)

    def test_a_dry_run_removes_nothing(self):
        self.assertEqual(self.run_command("--days=30", "--dry-run"), "Would remove 3 logins older than 30 days.\n")
        self.assertEqual(LoginEvent.objects.count(), 4)
