import tempfile
from io import StringIO
from pathlib import Path

from django.core.management import CommandError, call_command
from django.test import TestCase

from catalog.importing import ImportFailed, import_products
from catalog.models import Product
from testing.factories import make_product

HEADER = "sku,name,category,price,weight_g"


class ImportTests(TestCase):
    databases = {"catalog"}

    def test_creates_and_updates(self):
        make_product("PEN-1", name="Old name", price=1)
        result = import_products([HEADER, "PEN-1,Fountain pen,pens,12.50,30", "PEN-2,Pencil,pens,0.80,8"])
        self.assertEqual((result.created, result.updated), (["PEN-2"], ["PEN-1"]))
        self.assertEqual(Product.objects.get(sku="PEN-1").name, "Fountain pen")

    def test_is_all_or_nothing(self):
        with self.assertRaises(ImportFailed) as caught:
            import_products([HEADER, "PEN-1,Pen,pens,1,8", "pen 2,Pen,pens,1,8", "PEN-3,Pen,pens,-1,8"])
        self.assertEqual(
            [(line, list(errors)) for line, errors in caught.exception.errors], [(3, ["sku"]), (4, ["price"])]
        )
        self.assertFalse(Product.objects.filter(sku="PEN-1").exists())

    def test_wants_all_columns(self):
        with self.assertRaises(ImportFailed) as caught:
            import_products(["sku,name", "PEN-1,Pen"])
        self.assertEqual(list(caught.exception.errors[0][1]), ["category", "price", "weight_g"])

    def test_wants_a_category_that_is_there(self):
        with self.assertRaises(ImportFailed) as caught:
            import_products([HEADER, "PEN-1,Pen,rockets,1,8"])
        self.assertEqual(list(caught.exception.errors[0][1]), ["category"])

    def test_a_supplier_sends_dozens(self):
        rows = [f"PEN-{n},Pen number {n},pens,{n % 90}.50,{n}" for n in range(24)]
        result = import_products([HEADER, *rows])
        self.assertEqual(len(result.created), 24)
        self.assertEqual(Product.objects.search("pen number").count(), 24)

    def test_the_same_file_twice_changes_nothing(self):
        rows = [HEADER, *(f"PEN-{n},Pen,pens,1.50,8" for n in range(12))]
        import_products(rows)
        before = list(Product.objects.order_by("sku").values())
        self.assertEqual(len(import_products(rows).updated), 12)
        self.assertEqual(list(Product.objects.order_by("sku").values()), before)


class ImportCommandTests(TestCase):
    databases = {"catalog"}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "products.csv"

    def test_says_what_it_did(self):
        self.path.write_text(f"{HEADER}\nPEN-1,Füller,pens,12.50,30\n", encoding="utf-8")
        out = StringIO()
        call_command("import_products", self.path, stdout=out, verbosity=2)
        self.assertEqual(out.getvalue(), "new PEN-1\n1 created, 0 updated.\n")
        self.assertEqual(Product.objects.get(sku="PEN-1").name, "Füller")

    def test_names_the_bad_line(self):
        self.path.write_text(f"{HEADER}\nPEN-1,Pen,pens,free,30\n", encoding="utf-8")
        err = StringIO()
        with self.assertRaisesMessage(CommandError, "1 bad rows; nothing was imported."):
            call_command("import_products", self.path, stderr=err, no_color=True)
        self.assertEqual(err.getvalue(), "line 2, price: Enter a number.\n")

    def test_a_missing_file_is_an_error(self):
        with self.assertRaisesMessage(CommandError, "cannot be read: No such file or directory."):
            call_command("import_products", self.path)
