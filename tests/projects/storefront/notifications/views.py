from asgiref.sync import async_to_sync
from django import forms
from django.contrib.admin.views.decorators import staff_member_required
from django.http import JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from notifications import services


class SubscribeForm(forms.Form):
    email = forms.EmailField()


@require_POST
def subscribe(request):
    form = SubscribeForm(request.POST)
    if not form.is_valid():
        return render(request, "notifications/bad_address.html", {"form": form}, status=422)
    services.subscribe(form.cleaned_data["email"])
    return render(request, "notifications/check_your_mail.html")


def confirm(request, token):
    try:
        subscriber = services.confirm(token)
    except services.BadLink:
        return render(request, "notifications/bad_link.html", status=410)
    return render(request, "notifications/confirmed.html", {"subscriber": subscriber})


@require_http_methods(["GET", "POST"])
def unsubscribe(request, token):
    try:
        services.unsubscribe(token)
    except services.BadLink:
        return render(request, "notifications/bad_link.html", status=410)
    return render(request, "notifications/unsubscribed.html")


@staff_member_required(login_url="accounts:login")
def campaign_status(request, pk):
    return JsonResponse(async_to_sync(services.delivery_report)(pk))
