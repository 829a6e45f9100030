from datetime import timedelta

from django.core.management.base import BaseCommand
from django.utils import timezone

from reports import sales
from reports.export import csv_rows


class Command(BaseCommand):
    help = "Prints what was sold, day by day."

    def add_arguments(self, parser):
        parser.add_argument("--days", type=int, default=7)
        parser.add_argument("--format", choices=["table", "csv"], default="table")

    def handle(self, *, days, format, **options):
        now = timezone.now()
        found = sales.by_day(now - timedelta(days=days), now)
        if format == "csv":
            self.stdout.writelines(csv_rows(found))
            return
        for day in found:
            self.stdout.write(f"{day.day:%d %b}  {day.orders:>4}  {day.revenue:>10.2f} {day.currency}")
        self.stdout.write(f"{sum(day.orders for day in found)} orders")
