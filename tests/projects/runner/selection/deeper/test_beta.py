from django.test import SimpleTestCase


class BetaTests(SimpleTestCase):
    def test_five(self):
        pass

    def test_six(self):
        pass
