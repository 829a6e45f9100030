import json

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseForbidden, HttpResponseNotFound
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from orders.models import Order
from payments import gateway, services
from payments.models import Payment


@require_POST
@login_required
def pay(request, number):
    order = get_object_or_404(Order.objects.of(request.user), number=number)
    try:
        services.pay(order, request.POST.get("card", ""))
    except services.PaymentError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Thank you. We confirm your payment by mail.")
    return redirect(order)


@csrf_exempt
@require_POST
def notice(request):
    """Where the gateway tells us what became of a payment."""
    if not gateway.is_genuine(request.body, request.headers.get("X-Signature", "")):
        return HttpResponseForbidden("bad signature")
    try:
        event = json.loads(request.body)
        services.handle_event(event)
    except (ValueError, KeyError, TypeError):
        return HttpResponseBadRequest("no event")
    except Payment.DoesNotExist:
        return HttpResponseNotFound("no such payment")
    return HttpResponse(status=204)
