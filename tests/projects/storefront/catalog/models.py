from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone


class TaxClass(models.TextChoices):
    STANDARD = "standard", "Standard"
    REDUCED = "reduced", "Reduced"
    ZERO = "zero", "Zero"


class Category(models.Model):
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "categories"

    def __str__(self):
        return self.name

    def with_descendants(self):
        """The keys of this category and of all below it, one query a level."""
        found, level = [self.pk], [self.pk]
        while level:
            level = list(Category.objects.filter(parent__in=level).values_list("pk", flat=True))
            found += level
        return found


class ProductQuerySet(models.QuerySet):
    def active(self):
        return self.filter(is_active=True)

    def within(self, category):
        return self.filter(category__in=category.with_descendants())

    def search(self, text):
        """Products that have each word of *text* in their name, their SKU or their description."""
        found = self
        for word in text.split():
            found = found.filter(Q(name__icontains=word) | Q(sku__icontains=word) | Q(description__icontains=word))
        return found


class Product(models.Model):
    sku = models.CharField(max_length=24, unique=True, validators=[RegexValidator(r"^[A-Z0-9-]+$")])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    price = models.DecimalField(max_digits=10, decimal_places=2, validators=[MinValueValidator(0)])
    tax_class = models.CharField(max_length=10, choices=TaxClass.choices, default=TaxClass.STANDARD)
    weight_g = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name", "sku"]
        indexes = [models.Index(fields=["category", "is_active"], name="product_category_active")]
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative")]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("catalog:product-detail", args=[self.sku])


def image_path(image, filename):
    return f"products/{image.product.sku.lower()}/{filename}"


class ProductImage(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    file = models.FileField(upload_to=image_path)
    alt = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["product", "position"], name="image_position_once_a_product")]

    def __str__(self):
        return self.alt
