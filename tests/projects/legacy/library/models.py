from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone


class Book(models.Model):
    title = models.CharField(max_length=200)
    isbn = models.CharField(max_length=13, unique=True)

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title

    @property
    def is_lent(self):
        return self.loans.filter(returned_at=None).exists()


class Loan(models.Model):
    book = models.ForeignKey(Book, models.CASCADE, related_name="loans")
    reader = models.ForeignKey(User, models.CASCADE, related_name="loans")
    lent_at = models.DateTimeField(default=timezone.now)
    returned_at = models.DateTimeField(null=True)


class AlreadyLent(Exception):
    pass


def lend(book, reader):
    if book.is_lent:
        raise AlreadyLent(book.title)
    return Loan.objects.create(book=book, reader=reader)


def give_back(book):
    """Returns how many loans this ended."""
    return book.loans.filter(returned_at=None).update(returned_at=timezone.now())
