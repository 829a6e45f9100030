import unittest

from django.test import SimpleTestCase, TestCase

from accounts.forms import POSTCODES, AddressForm, SignUpForm
from testing.factories import make_user


class PostcodeTests(unittest.TestCase):
    def test_patterns(self):
        cases = {
            "GB": {"LS1 1AA": True, "SW1A 2AA": True, "LS11AA": False, "12345": False},
            "DE": {"10115": True, "1011": False, "10115A": False},
            "NL": {"1012 AB": True, "0012 AB": False, "1012AB": False},
        }
        for country, samples in cases.items():
            for postcode, good in samples.items():
                with self.subTest(country=country, postcode=postcode):
                    self.assertEqual(bool(POSTCODES[country].fullmatch(postcode)), good)


class AddressFormTests(SimpleTestCase):
    def form(self, **changes):
        data = {"label": "Home", "line1": "1 High Street", "city": "Leeds", "postcode": "LS1 1AA", "country": "GB"}
        return AddressForm({**data, **changes})

    def test_tidies_up_a_postcode(self):
        form = self.form(postcode="  ls1   1aa ", country="gb")
        self.assertTrue(form.is_valid(), form.errors)
        self.assertEqual(form.cleaned_data["postcode"], "LS1 1AA")

    def test_names_the_country_of_a_bad_postcode(self):
        form = self.form(postcode="LS1 1AA", country="DE")
        self.assertFormError(form, "postcode", "This is no postcode of DE.")

    def test_takes_any_postcode_of_a_country_it_does_not_know(self):
        self.assertTrue(self.form(postcode="D02 AF30", country="IE").is_valid())

    def test_wants_a_street(self):
        self.assertFormError(self.form(line1=""), "line1", "This field is required.")


class SignUpFormTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        make_user("ada", email="ada@example.com")

    def form(self, **changes):
        data = {"username": "grace", "email": "grace@example.com"}
        secret = {"password1": "correct horse battery", "password2": "correct horse battery"}
        return SignUpForm({**data, **secret, **changes})

    def test_an_address_is_used_once_whatever_its_case(self):
        form = self.form(email="ADA@example.com")
        self.assertFormError(form, "email", "There is an account with this address.")

    def test_a_short_password_is_refused(self):
        form = self.form(password1="short", password2="short")
        self.assertFalse(form.is_valid())
        self.assertIn("at least 10 characters", form.errors["password2"][0])

    def test_consent_is_kept(self):
        form = self.form(marketing_opt_in="on")
        self.assertTrue(form.is_valid(), form.errors)
        self.assertTrue(form.save().customer.marketing_opt_in)

    def test_no_consent_by_default(self):
        form = self.form()
        self.assertTrue(form.is_valid(), form.errors)
        self.assertFalse(form.save().customer.marketing_opt_in)
