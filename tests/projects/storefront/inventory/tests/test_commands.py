from io import StringIO

from django.core.management import CommandError, call_command
from django.test import TestCase

from testing.factories import make_stock


class LowStockTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        make_stock("MUG", 2)
        make_stock("MUG", 2, warehouse="NORTH")
        make_stock("PEN", 0)
        make_stock("PLATE", 60)

    def run_command(self, *arguments):
        out = StringIO()
        call_command("low_stock", *arguments, stdout=out)
        return [line.split() for line in out.getvalue().splitlines()]

    def test_lists_the_scarcest_first(self):
        self.assertEqual(self.run_command(), [["PEN", "0"], ["MUG", "4"]])

    def test_the_threshold_counts(self):
        self.assertEqual(self.run_command("--threshold", "3"), [["PEN", "0"]])

    def test_says_when_all_is_well(self):
        self.assertEqual(self.run_command("--threshold=-1"), [["Nothing", "is", "running", "out."]])

    def test_fails_on_demand(self):
        with self.assertRaisesMessage(CommandError, "Out of stock: PEN"):
            self.run_command("--fail")
