from django.test import SimpleTestCase


class GammaTests(SimpleTestCase):
    def test_seven(self):
        pass
