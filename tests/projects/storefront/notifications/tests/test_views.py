import json
from datetime import timedelta
from io import StringIO

from asgiref.sync import sync_to_async
from django.core import mail
from django.core.management import call_command
from django.test import AsyncClient, TestCase
from django.urls import reverse
from django.utils import timezone

from notifications import services
from notifications.models import Campaign, Subscriber
from testing.factories import make_user


class SubscriptionTests(TestCase):
    databases = {"default", "catalog"}

    def test_the_whole_way(self):
        with self.captureOnCommitCallbacks(execute=True):
            response = self.client.post(reverse("notifications:subscribe"), {"email": "ada@example.com"})
        self.assertContains(response, "Please look into your mail.")
        path = mail.outbox[0].body.partition("https://storefront.example")[2].split()[0]
        self.assertContains(self.client.get(path), "Thank you, ada@example.com.")
        self.assertEqual(Subscriber.objects.active().count(), 1)

    def test_no_address(self):
        response = self.client.post(reverse("notifications:subscribe"), {"email": "ada at example"})
        self.assertContains(response, "This is no mail address.", status_code=422)

    def test_a_mail_program_unsubscribes_with_one_click(self):
        subscriber = Subscriber.objects.create(email="ada@example.com", confirmed_at=timezone.now())
        url = reverse("notifications:unsubscribe", args=[services.token_for(subscriber)])
        self.assertContains(self.client.post(url), "no more mail")
        self.assertFalse(Subscriber.objects.active().exists())

    def test_a_bad_link(self):
        self.assertEqual(self.client.get(reverse("notifications:confirm", args=["nonsense"])).status_code, 410)


class AsynchronousTests(TestCase):
    databases = {"default", "catalog"}

    @classmethod
    def setUpTestData(cls):
        cls.campaign = Campaign.objects.create(subject="Spring", body="New mugs", scheduled_for=timezone.now())
        for name in ("ada", "grace"):
            Subscriber.objects.create(email=f"{name}@example.com", confirmed_at=timezone.now())

    async def test_the_report_of_a_campaign(self):
        self.assertEqual(
            await services.delivery_report(self.campaign.pk), {"subject": "Spring", "delivered": 0, "waiting": 2}
        )

    async def test_a_campaign_that_is_not_there(self):
        with self.assertRaises(Campaign.DoesNotExist):
            await services.delivery_report(0)

    async def test_iterating(self):
        emails = [subscriber.email async for subscriber in Subscriber.objects.active()]
        self.assertEqual(emails, ["ada@example.com", "grace@example.com"])

    async def test_the_asynchronous_client(self):
        user = await sync_to_async(make_user)("editor", is_staff=True)
        client = AsyncClient()
        await client.aforce_login(user)
        response = await client.get(reverse("notifications:campaign-status", args=[self.campaign.pk]))
        self.assertEqual(json.loads(response.content)["waiting"], 2)


class SendCampaignsTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        now = timezone.now()
        for subject, days in (("Later", 1), ("Second", -1), ("First", -2)):
            Campaign.objects.create(subject=subject, body="...", scheduled_for=now + timedelta(days=days))
        Subscriber.objects.create(email="ada@example.com", confirmed_at=now)

    def run_command(self):
        out, err = StringIO(), StringIO()
        call_command("send_campaigns", stdout=out, stderr=err, no_color=True)
        return out.getvalue().splitlines(), err.getvalue()

    def test_sends_what_is_due(self):
        self.assertEqual(self.run_command(), (["First: 1 sent", "Second: 1 sent"], ""))
        self.assertEqual([message.subject for message in mail.outbox], ["First", "Second"])

    def test_says_when_nothing_is(self):
        self.run_command()
        self.assertEqual(self.run_command(), ([], "No campaign is due.\n"))
