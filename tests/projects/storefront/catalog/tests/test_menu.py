from django.core.cache import cache
from django.test import TestCase

from catalog.menu import CACHE_KEY, category_menu
from catalog.models import Category


class MenuTests(TestCase):
    databases = {"catalog"}

    def setUp(self):
        cache.clear()
        self.addCleanup(cache.clear)

    def test_is_a_tree(self):
        menu = category_menu()
        self.assertEqual([entry["slug"] for entry in menu], ["kitchen", "office", "gift-cards"])
        self.assertEqual([entry["name"] for entry in menu[0]["children"]], ["Mugs", "Plates"])

    def test_comes_from_the_cache_the_second_time(self):
        category_menu()
        with self.assertNumQueries(0, using="catalog"):
            category_menu()

    def test_a_new_category_shows_at_once(self):
        category_menu()
        Category.objects.create(name="Garden", slug="garden", position=9)
        self.assertEqual(category_menu()[-1]["slug"], "garden")

    def test_a_removed_category_is_forgotten(self):
        category_menu()
        Category.objects.get(slug="pens").delete()
        self.assertIsNone(cache.get(CACHE_KEY))
