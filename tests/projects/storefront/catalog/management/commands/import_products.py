from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from catalog.importing import ImportFailed, import_products


class Command(BaseCommand):
    help = "Creates and updates products from a supplier's CSV file."

    def add_arguments(self, parser):
        parser.add_argument("path", type=Path)

    def handle(self, *, path, verbosity, **options):
        try:
            with path.open(encoding="utf-8", newline="") as file:
                result = import_products(file)
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        except ImportFailed as failure:
            for line, errors in failure.errors:
                for column, messages in errors.items():
                    self.stderr.write(f"line {line}, {column}: {' '.join(messages)}")
            raise CommandError(f"{failure}; nothing was imported.") from failure
        if verbosity > 1:
            for sku in result.created:
                self.stdout.write(f"new {sku}")
        self.stdout.write(f"{len(result.created)} created, {len(result.updated)} updated.")
