from django.core.management.base import BaseCommand, CommandError

from inventory.models import StockLevel


class Command(BaseCommand):
    help = "Lists what is running out."

    def add_arguments(self, parser):
        parser.add_argument("--threshold", type=int, default=5)
        parser.add_argument("--fail", action="store_true", help="Exit with an error if anything has run out.")

    def handle(self, *, threshold, fail, **options):
        low = list(StockLevel.objects.running_low(threshold))
        for entry in low:
            self.stdout.write(f"{entry['sku']:<24} {entry['available']:>5}")
        if not low:
            self.stdout.write("Nothing is running out.")
        gone = [entry["sku"] for entry in low if entry["available"] <= 0]
        if fail and gone:
            raise CommandError(f"Out of stock: {', '.join(gone)}")
