from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications.models import Campaign
from notifications.services import send_campaign


class Command(BaseCommand):
    help = "Sends each campaign that is due."

    def handle(self, **options):
        due = Campaign.objects.filter(sent_at__isnull=True, scheduled_for__lte=timezone.now()).order_by("scheduled_for")
        for campaign in due:
            self.stdout.write(f"{campaign.subject}: {send_campaign(campaign)} sent")
        if not due:
            self.stderr.write("No campaign is due.")
