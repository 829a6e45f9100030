from django.db import models


class TagManager(models.Manager):
    def get_or_create(self, **lookup):
        """Look for the tag on the replica first: most of them exist."""
        try:
            return self.get(**lookup), False  # read: get_or_create
        except self.model.DoesNotExist:
            return self.create(**lookup), True  # write: get_or_create


class Tag(models.Model):
    name = models.CharField(max_length=50, unique=True)

    objects = TagManager()
    plain = models.Manager()


class Venue(models.Model):
    name = models.CharField(max_length=50, unique=True)


class Event(models.Model):
    title = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    notes = models.TextField(blank=True)
    taken = models.IntegerField(default=0)
    archived = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag, blank=True)
