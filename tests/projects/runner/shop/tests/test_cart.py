from django.test import SimpleTestCase


class CartTests(SimpleTestCase):
    def test_total(self):
        pass

    def test_other(self):
        pass
