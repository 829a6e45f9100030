from django.core.cache import cache

from catalog.models import Category

CACHE_KEY = "catalog:menu"
TIMEOUT_S = 300


def category_menu():
    """The top categories with their children, as ``[{"name", "slug", "children"}]``, from the cache if it has them."""
    return cache.get_or_set(CACHE_KEY, _build, TIMEOUT_S)


def forget():
    cache.delete(CACHE_KEY)


def _build():
    entries, top = {}, []
    for category in Category.objects.all():
        entries[category.pk] = {"name": category.name, "slug": category.slug, "children": []}
    for category in Category.objects.all():
        siblings = entries[category.parent_id]["children"] if category.parent_id else top
        siblings.append(entries[category.pk])
    return top
