from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from notifications import mails
from notifications.models import Campaign, Delivery, Subscriber

SALT = "notifications.subscribe"
LINK_AGE_S = 3 * 24 * 3600
CHUNK = 100


class BadLink(Exception):
    pass


def token_for(subscriber):
    return signing.dumps(subscriber.email, salt=SALT)


def subscriber_of(token, max_age_s=LINK_AGE_S):
    """Raises ``BadLink`` for a token that is forged, too old, or of somebody who is gone."""
    try:
        return Subscriber.objects.get(email=signing.loads(token, salt=SALT, max_age=max_age_s))
    except (signing.BadSignature, Subscriber.DoesNotExist) as error:
        raise BadLink(str(error)) from error


def subscribe(email):
    """Ask the address whether it wants our mail. Whoever has confirmed before is not asked again."""
    subscriber, _ = Subscriber.objects.get_or_create(email=email.lower())
    if subscriber.confirmed_at is None or subscriber.unsubscribed_at is not None:
        link = settings.SITE_URL + reverse("notifications:confirm", args=[token_for(subscriber)])
        transaction.on_commit(lambda: mails.send_confirmation_request(subscriber, link))
    return subscriber


def confirm(token):
    subscriber = subscriber_of(token)
    subscriber.confirmed_at = subscriber.confirmed_at or timezone.now()
    subscriber.unsubscribed_at = None
    subscriber.save(update_fields=["confirmed_at", "unsubscribed_at"])
    return subscriber


def unsubscribe(token):
    subscriber = subscriber_of(token, max_age_s=None)
    Subscriber.objects.active().filter(pk=subscriber.pk).update(unsubscribed_at=timezone.now())


def send_campaign(campaign):
    """Send *campaign* to whoever has not had it. Returns how many mails went out."""
    waiting = list(Subscriber.objects.active().exclude(deliveries__campaign=campaign))
    with get_connection() as connection:
        for start in range(0, len(waiting), CHUNK):
            chunk = waiting[start : start + CHUNK]
            with transaction.atomic():
                Delivery.objects.bulk_create(Delivery(campaign=campaign, subscriber=one) for one in chunk)
                connection.send_messages([_message(campaign, one) for one in chunk])
    Campaign.objects.filter(pk=campaign.pk).update(sent_at=timezone.now())
    return len(waiting)


async def delivery_report(campaign_id):
    """How far a campaign has come, for the dashboard."""
    campaign = await Campaign.objects.aget(pk=campaign_id)
    return {
        "subject": campaign.subject,
        "delivered": await campaign.deliveries.acount(),
        "waiting": await Subscriber.objects.active().exclude(deliveries__campaign=campaign).acount(),
    }


def _message(campaign, subscriber):
    link = settings.SITE_URL + reverse("notifications:unsubscribe", args=[token_for(subscriber)])
    return EmailMessage(
        subject=campaign.subject,
        body=f"{campaign.body}\n\n-- \nNo more of this: {link}\n",
        to=[subscriber.email],
        headers={"List-Unsubscribe": f"<{link}>"},
    )
