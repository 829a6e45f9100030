from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase
from django.urls import reverse

from catalog.models import Category, Product
from testing.factories import make_category, make_product, make_user


class ProductListTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        mugs = make_category("mugs")
        Product.objects.bulk_create(
            Product(sku=f"MUG-{n:02}", name=f"Mug {n:02}", category=mugs, price=n + 1) for n in range(30)
        )
        make_product("PLATE", name="Plate", category=make_category("plates"))

    def setUp(self):
        cache.clear()

    def test_twelve_on_a_page(self):
        response = self.client.get(reverse("catalog:category", args=["mugs"]))
        self.assertContains(response, "Page 1 of 3")
        self.assertEqual(len(response.context["page_obj"]), 12)

    def test_the_last_page_has_the_rest(self):
        response = self.client.get(reverse("catalog:category", args=["mugs"]), {"page": "last"})
        self.assertEqual([one.sku for one in response.context["page_obj"]], [f"MUG-{n}" for n in range(24, 30)])

    def test_there_is_no_page_after_it(self):
        response = self.client.get(reverse("catalog:category", args=["mugs"]), {"page": 4})
        self.assertEqual(response.status_code, 404)

    def test_a_parent_shows_what_is_below_it(self):
        response = self.client.get(reverse("catalog:category", args=["kitchen"]), {"q": "plate"})
        self.assertContains(response, "/p/PLATE/")

    def test_an_unknown_category(self):
        self.assertEqual(self.client.get(reverse("catalog:category", args=["rockets"])).status_code, 404)

    def test_nothing_found(self):
        self.assertContains(self.client.get(reverse("catalog:product-list"), {"q": "rocket"}), "Nothing found.")

    def test_the_number_of_queries_does_not_grow(self):
        self.client.get(reverse("catalog:product-list"))
        with self.assertNumQueries(2, using="catalog"):
            self.client.get(reverse("catalog:product-list"))


class ProductDetailTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.mug = make_product("MUG", name="Mug <b>No. 1</b>", description="Stoneware.\n\nBlue.")

    def test_shows_the_product(self):
        response = self.client.get(self.mug.get_absolute_url())
        self.assertContains(response, "Mug &lt;b&gt;No. 1&lt;/b&gt;")
        self.assertContains(response, "<p>Blue.</p>", html=True)
        self.assertContains(response, "£10.00")

    def test_what_is_withdrawn_is_gone(self):
        Product.objects.filter(pk=self.mug.pk).update(is_active=False)
        self.assertEqual(self.client.get(self.mug.get_absolute_url()).status_code, 404)

    def test_the_menu_is_on_the_page(self):
        cache.clear()
        Category.objects.create(name="Garden", slug="garden")
        self.assertContains(self.client.get(self.mug.get_absolute_url()), 'href="/c/garden/"')


class ImageUploadTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.mug = make_product("MUG")
        cls.editor = make_user("editor", is_staff=True)
        cls.url = reverse("catalog:image-upload", args=["MUG"])

    def upload(self, name="front.png", content=b"\x89PNG\r\n\x1a\n"):
        return self.client.post(self.url, {"file": SimpleUploadedFile(name, content), "alt": "From the front"})

    def test_is_for_staff(self):
        self.client.force_login(make_user())
        self.assertRedirects(self.upload(), f"{reverse('accounts:login')}?next={self.url}")

    def test_keeps_the_file_under_the_sku(self):
        self.client.force_login(self.editor)
        self.assertRedirects(self.upload(), self.mug.get_absolute_url())
        image = self.mug.images.get()
        self.addCleanup(image.file.delete, save=False)
        self.assertEqual(Path(image.file.path).parent, Path(settings.MEDIA_ROOT) / "products" / "mug")
        self.assertEqual(image.file.read(), b"\x89PNG\r\n\x1a\n")

    def test_images_stand_in_the_order_of_their_upload(self):
        self.client.force_login(self.editor)
        for name in ("front.png", "back.jpeg"):
            self.upload(name)
        self.assertEqual([image.position for image in self.mug.images.all()], [1, 2])
        for image in self.mug.images.all():
            image.delete()

    def test_the_file_goes_with_its_image(self):
        self.client.force_login(self.editor)
        self.upload()
        image = self.mug.images.get()
        path = Path(image.file.path)
        self.assertTrue(path.exists())
        image.delete()
        self.assertFalse(path.exists())

    def test_refuses_what_is_no_image(self):
        self.client.force_login(self.editor)
        for name, content, message in (
            ("run.exe", b"MZ", "This is no image that browsers show."),
            ("huge.png", b"\0" * (512 * 1024 + 1), "Images may have 512 KiB."),
        ):
            with self.subTest(name=name):
                self.assertContains(self.upload(name, content), message, status_code=422)
        self.assertFalse(self.mug.images.exists())
