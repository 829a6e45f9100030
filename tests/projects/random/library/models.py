from django.db import models


class Tag(models.Model):
    """Migrations make three of them; no test writes any."""

    name = models.CharField(max_length=20)


class Author(models.Model):
    name = models.CharField(max_length=40, unique=True)


class Book(models.Model):
    title = models.CharField(max_length=40)
    author = models.ForeignKey(Author, models.CASCADE)
    pages = models.IntegerField(default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pages__gte=0), name="pages_not_negative")]
