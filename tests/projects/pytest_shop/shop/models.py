from django.db import models


class Category(models.Model):
    name = models.CharField(max_length=100, unique=True)

    def __str__(self):
        return self.name


class Product(models.Model):
    name = models.CharField(max_length=100)  # two products may have one name: a load that runs twice shows
    price = models.DecimalField(max_digits=8, decimal_places=2)
    category = models.ForeignKey(Category, models.CASCADE, null=True, related_name="products")

    def __str__(self):
        return self.name


class Order(models.Model):
    product = models.ForeignKey(Product, models.PROTECT)
    quantity = models.PositiveIntegerField(default=1)

    @property
    def total(self):
        return self.product.price * self.quantity
