from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from catalog import menu
from catalog.models import Category, ProductImage


@receiver([post_save, post_delete], sender=Category)
def forget_menu(sender, **kwargs):
    menu.forget()


@receiver(post_delete, sender=ProductImage)
def remove_file(sender, instance, **kwargs):
    instance.file.delete(save=False)
