from django.core.management import BaseCommand
from django.db import connections

from notes.models import Note


class Command(BaseCommand):
    help = "Writes a note to each alias, and prints the name of its database."

    def add_arguments(self, parser):
        parser.add_argument("aliases", nargs="+")

    def handle(self, *, aliases, **options):
        for alias in aliases:
            Note.objects.using(alias).create(text="by a command")
            self.stdout.write(f"{alias} {connections[alias].settings_dict['NAME']}")
