from django.utils.functional import SimpleLazyObject

from catalog.menu import category_menu


def menu(request):
    return {"menu": SimpleLazyObject(category_menu)}
