import time
from datetime import timedelta

from django.core import mail
from django.db import IntegrityError, transaction
from django.test import TestCase
from django.utils import timezone

from notifications import services
from notifications.models import Campaign, Delivery, Subscriber


def make_subscribers(*names):
    now = timezone.now()
    return Subscriber.objects.bulk_create(Subscriber(email=f"{name}@example.com", confirmed_at=now) for name in names)


class SubscribeTests(TestCase):
    def subscribe(self, email="Ada@Example.com"):
        with self.captureOnCommitCallbacks(execute=True):
            return services.subscribe(email)

    def test_asks_first(self):
        subscriber = self.subscribe()
        self.assertEqual(subscriber.email, "ada@example.com")
        self.assertIn("https://storefront.example/newsletter/confirm/", mail.outbox[0].body)
        self.assertFalse(Subscriber.objects.active().exists())

    def test_a_confirmed_address_is_not_asked_again(self):
        services.confirm(services.token_for(self.subscribe()))
        self.subscribe()
        self.assertEqual(len(mail.outbox), 1)

    def test_whoever_left_can_come_back(self):
        token = services.token_for(self.subscribe())
        services.confirm(token)
        services.unsubscribe(token)
        self.assertFalse(Subscriber.objects.active().exists())
        services.confirm(token)
        self.assertTrue(Subscriber.objects.active().exists())

    def test_a_link_grows_old(self):
        token = services.token_for(self.subscribe())
        time.sleep(0.04)
        self.assertEqual(services.subscriber_of(token).email, "ada@example.com")
        with self.assertRaises(services.BadLink):
            services.subscriber_of(token, max_age_s=-1)

    def test_a_forged_link(self):
        token = services.token_for(self.subscribe())
        for forged in (token[:-1], token + "x", "nonsense"):
            with self.subTest(forged=forged), self.assertRaises(services.BadLink):
                services.confirm(forged)

    def test_nobody_leaves_before_they_came(self):
        with self.assertRaises(IntegrityError), transaction.atomic():
            Subscriber.objects.create(email="ada@example.com", unsubscribed_at=timezone.now())


class CampaignTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.campaign = Campaign.objects.create(subject="Spring", body="New mugs", scheduled_for=timezone.now())
        cls.subscribers = make_subscribers("ada", "grace", "joan")

    def test_everybody_gets_one(self):
        self.assertEqual(services.send_campaign(self.campaign), 3)
        self.assertCountEqual([one.to[0] for one in mail.outbox], [one.email for one in self.subscribers])

    def test_nobody_gets_two(self):
        services.send_campaign(self.campaign)
        make_subscribers("late")
        self.assertEqual(services.send_campaign(self.campaign), 1)
        self.assertEqual(Delivery.objects.count(), 4)

    def test_each_mail_has_its_own_way_out(self):
        services.send_campaign(self.campaign)
        links = {message.extra_headers["List-Unsubscribe"] for message in mail.outbox}
        self.assertEqual(len(links), 3)

    def test_large_lists_go_out_in_chunks(self):
        make_subscribers(*(f"reader{n}" for n in range(150)))
        with self.assertNumQueries(1 + 2 * 3 + 1):  # the list, a savepoint's three for each chunk, the campaign
            self.assertEqual(services.send_campaign(self.campaign), 153)

    def test_it_is_marked_as_sent(self):
        services.send_campaign(self.campaign)
        self.campaign.refresh_from_db()
        self.assertLess(timezone.now() - self.campaign.sent_at, timedelta(minutes=1))
