from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.test import TestCase, skipUnlessDBFeature

from accounts.models import Address, Customer
from testing.factories import make_customer, make_user


class CustomerTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ada = make_customer("ada", marketing_opt_in=True, loyalty_points=520)
        cls.grace = make_customer("grace", loyalty_points=40)

    def test_is_called_by_the_full_name(self):
        self.ada.user.first_name, self.ada.user.last_name = "Ada", "Lovelace"
        self.assertEqual(str(self.ada), "Ada Lovelace")

    def test_is_called_by_the_username_without_a_name(self):
        self.assertEqual(str(self.grace), "grace")

    def test_points_add_up(self):
        stale = Customer.objects.get(pk=self.grace.pk)
        self.grace.earn(5)
        stale.earn(7)
        self.assertEqual(stale.loyalty_points, 52)

    def test_changes_of_another_test_are_gone(self):
        self.assertEqual(Customer.objects.get(pk=self.grace.pk).loyalty_points, 40)

    @skipUnlessDBFeature("supports_table_check_constraints")
    def test_points_cannot_be_negative(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Customer.objects.filter(pk=self.grace.pk).update(loyalty_points=-1)

    def test_reachable_wants_consent_an_address_and_an_active_account(self):
        make_customer("silent", marketing_opt_in=False)
        for username, change in {"gone": {"is_active": False}, "nobody": {"email": ""}}.items():
            make_customer(username, marketing_opt_in=True)
            get_user_model().objects.filter(username=username).update(**change)
        self.assertQuerySetEqual(Customer.objects.reachable(), [self.ada])

    def test_a_reward_for_five_hundred_points(self):
        self.assertQuerySetEqual(Customer.objects.deserving_a_reward(), [self.ada])


class AddressTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.customer = make_customer()
        cls.home = cls.customer.addresses.create(
            line1="1 High Street", city="Leeds", postcode="LS1 1AA", is_default=True
        )
        cls.work = cls.customer.addresses.create(label="Work", line1="2 Mill Lane", city="York", postcode="YO1 7HH")

    def test_reads_as_on_an_envelope(self):
        self.assertEqual(str(self.work), "Work: 2 Mill Lane, York YO1 7HH")

    def test_the_default_comes_first(self):
        self.assertQuerySetEqual(self.customer.addresses.all(), [self.home, self.work])

    def test_make_default_moves_it(self):
        self.work.make_default()
        self.assertQuerySetEqual(self.customer.addresses.filter(is_default=True), [self.work])

    def test_a_label_is_used_once(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            self.customer.addresses.create(label="Work", line1="3 New Road", city="York", postcode="YO1 7HH")

    @skipUnlessDBFeature("supports_partial_indexes")
    def test_the_database_allows_one_default(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Address.objects.filter(pk=self.work.pk).update(is_default=True)

    def test_another_customer_has_a_default_too(self):
        other = make_customer().addresses.create(line1="5 Dock", city="Hull", postcode="HU1 1AA", is_default=True)
        self.assertEqual(Address.objects.filter(is_default=True).count(), 2)
        self.assertIn("Hull", str(other))


class SignalTests(TestCase):
    def test_a_user_becomes_a_customer(self):
        self.assertEqual(make_user("new").customer.loyalty_points, 0)

    def test_saving_again_makes_no_second_customer(self):
        user = make_user()
        user.first_name = "Changed"
        user.save()
        self.assertEqual(Customer.objects.filter(user=user).count(), 1)
