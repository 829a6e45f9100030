from django.db import models
from django.db.models.signals import post_migrate

MADE = []
"""The aliases whose databases have been made, in that order."""


class Card(models.Model):
    value = models.CharField(max_length=20)


def note(using, **_kwargs):
    if using not in MADE:
        MADE.append(using)


post_migrate.connect(note)
