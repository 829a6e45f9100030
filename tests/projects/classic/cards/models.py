from django.db import models
from django.db.models.signals import post_migrate

SUITS = ("diamonds", "clubs", "hearts", "spades")

MADE = []
"""The aliases whose databases have been made, in that order."""


class Card(models.Model):
    value = models.CharField(max_length=5)


def note(using, **_kwargs):
    if using not in MADE:
        MADE.append(using)


post_migrate.connect(note)
