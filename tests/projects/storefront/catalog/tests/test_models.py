from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, transaction
from django.db.models import ProtectedError
from django.test import TestCase

from catalog.models import Category, Product
from testing.factories import make_category, make_product


class CategoryTests(TestCase):
    databases = {"catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.kitchen = Category.objects.get(slug="kitchen")
        cls.mugs = Category.objects.get(slug="mugs")
        cls.espresso = cls.mugs.children.create(name="Espresso cups", slug="espresso-cups")

    def test_a_branch_holds_all_below_it(self):
        slugs = Category.objects.filter(pk__in=self.kitchen.with_descendants()).values_list("slug", flat=True)
        self.assertCountEqual(slugs, ["kitchen", "mugs", "plates", "espresso-cups"])

    def test_a_branch_costs_a_query_a_level(self):
        with self.assertNumQueries(3, using="catalog"):
            self.kitchen.with_descendants()

    def test_a_slug_is_used_once(self):
        with self.assertRaises(IntegrityError), transaction.atomic(using="catalog"):
            Category.objects.create(name="Mugs again", slug="mugs")

    def test_a_category_with_products_stays(self):
        make_product(category=self.espresso)
        with self.assertRaises(ProtectedError):
            self.mugs.delete()


class ProductTests(TestCase):
    databases = {"catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.mug = make_product("MUG-RED", name="Red mug", description="Stoneware, dishwasher safe")
        cls.plate = make_product("PLATE-RED", name="Red plate", category=make_category("plates"))
        cls.old = make_product("MUG-OLD", name="Old red mug", is_active=False)

    def test_search_wants_each_word(self):
        cases = {
            "red": {"MUG-RED", "PLATE-RED", "MUG-OLD"},
            "red mug": {"MUG-RED", "MUG-OLD"},
            "STONEWARE": {"MUG-RED"},
            "plate-red": {"PLATE-RED"},
            "red 100%": set(),
            "": {"MUG-RED", "PLATE-RED", "MUG-OLD", "GIFT-GBP", "GIFT-EUR", "GIFT-USD", "GIFT-JPY"},
        }
        for text, expected in cases.items():
            with self.subTest(text=text):
                self.assertEqual(set(Product.objects.search(text).values_list("sku", flat=True)), expected)

    def test_what_is_withdrawn_is_not_active(self):
        self.assertNotIn(self.old, Product.objects.active())

    def test_within_a_category(self):
        self.assertQuerySetEqual(Product.objects.within(self.plate.category), [self.plate])

    def test_has_an_address(self):
        self.assertEqual(self.mug.get_absolute_url(), "/p/MUG-RED/")

    def test_a_sku_is_in_capitals(self):
        with self.assertRaises(ValidationError) as caught:
            Product(sku="mug red", name="Mug", category=self.mug.category, price=1).full_clean()
        self.assertEqual(list(caught.exception.message_dict), ["sku"])

    def test_a_price_is_not_negative(self):
        with self.assertRaises(IntegrityError), transaction.atomic(using="catalog"):
            Product.objects.filter(pk=self.mug.pk).update(price=Decimal("-0.01"))

    def test_the_search_index_is_on_postgresql_alone(self):
        connection = connections["catalog"]
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, Product._meta.db_table)
        self.assertEqual("product_search" in constraints, connection.vendor == "postgresql")


class MigratedDataTests(TestCase):
    databases = {"default", "catalog"}

    def test_the_tree_of_categories(self):
        tree = {top.slug: [child.slug for child in top.children.all()] for top in Category.objects.filter(parent=None)}
        self.assertEqual(tree, {"kitchen": ["mugs", "plates"], "office": ["notebooks", "pens"], "gift-cards": []})

    def test_a_gift_card_for_each_currency_of_the_other_server(self):
        prices = Product.objects.filter(category__slug="gift-cards").values_list("sku", "price")
        self.assertEqual(
            dict(prices),
            {
                "GIFT-GBP": Decimal("25.00"),
                "GIFT-EUR": Decimal("21.37"),
                "GIFT-USD": Decimal("19.53"),
                "GIFT-JPY": Decimal("0.13"),
            },
        )
