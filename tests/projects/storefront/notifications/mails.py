from django.conf import settings
from django.core.mail import EmailMultiAlternatives, send_mail
from django.template.loader import render_to_string


def send_welcome(user):
    _send("welcome", user.email, "Welcome to Storefront", {"user": user})


def send_order_confirmation(order):
    lines = order.lines.all()
    _send("order_confirmation", order.email, f"Your order {order.number}", {"order": order, "lines": lines})


def send_receipt(order):
    message = EmailMultiAlternatives(
        subject=f"Your receipt for {order.number}",
        body=render_to_string("emails/receipt.txt", {"order": order}),
        to=[order.email],
        headers={"X-Order": order.number},
    )
    message.attach_alternative(render_to_string("emails/receipt.html", {"order": order}), "text/html")
    rows = [f"{line.sku};{line.quantity};{line.unit_price}" for line in order.lines.all()]
    message.attach(f"{order.number}.csv", "\n".join(["sku;quantity;unit price", *rows]), "text/csv")
    message.send()


def send_confirmation_request(subscriber, link):
    _send("confirm_subscription", subscriber.email, "Please confirm your subscription", {"link": link})


def _send(template, recipient, subject, context):
    body = render_to_string(f"emails/{template}.txt", {"site": settings.SITE_URL, **context})
    send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [recipient])
