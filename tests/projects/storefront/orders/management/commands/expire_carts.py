from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError

from orders.services import expire_carts


class Command(BaseCommand):
    help = "Removes carts that nobody has come back to."

    def add_arguments(self, parser):
        parser.add_argument("--days", type=int, default=30)

    def handle(self, *, days, **options):
        if days < 1:
            raise CommandError("--days must be 1 or more.")
        self.stdout.write(f"{expire_carts(timedelta(days=days))} carts removed.")
