from django.conf import settings
from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.models import User
from django.test import SimpleTestCase, TestCase

from library.models import AlreadyLent, Book, give_back, lend


class LendingTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.book = Book.objects.create(title="Middlemarch", isbn="9780141439549")
        cls.reader = User.objects.create_user("dorothea", password="casaubon")

    def test_a_book_is_lent(self):
        lend(self.book, self.reader)
        self.assertTrue(self.book.is_lent)

    def test_a_book_is_lent_once(self):
        lend(self.book, self.reader)
        with self.assertRaises(AlreadyLent):
            lend(self.book, self.reader)

    def test_a_book_comes_back(self):
        lend(self.book, self.reader)
        self.assertEqual(give_back(self.book), 1)
        self.assertFalse(self.book.is_lent)

    def test_a_book_that_is_not_out_cannot_come_back(self):
        self.assertEqual(give_back(self.book), 0)

    def test_a_book_can_be_lent_again(self):
        for _ in range(3):
            lend(self.book, self.reader)
            give_back(self.book)
        self.assertEqual(self.reader.loans.count(), 3)


class SettingsTests(SimpleTestCase):
    def test_the_settings_know_that_this_is_a_test(self):
        self.assertTrue(settings.TESTING)
        self.assertEqual(get_hasher().algorithm, "md5")
