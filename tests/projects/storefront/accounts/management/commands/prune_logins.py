from datetime import timedelta

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import LoginEvent


class Command(BaseCommand):
    help = "Removes records of logins that are older than the law lets us keep them."

    def add_arguments(self, parser):
        parser.add_argument("--days", type=int, default=90)
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *, days, dry_run, **options):
        old = LoginEvent.objects.filter(at__lt=timezone.now() - timedelta(days=days))
        if dry_run:
            self.stdout.write(f"Would remove {old.count()} logins older than {days} days.")
            return
        removed, _ = old.delete()
        self.stdout.write(self.style.SUCCESS(f"Removed {removed} logins older than {days} days."))
