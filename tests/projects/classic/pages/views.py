from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_required
from django.core.mail import send_mail
from django.http import HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt

from pages.models import Customer


def customers(request):
    return render(request, "pages/customers.html", {"customers": Customer.objects.order_by("name")})


@csrf_exempt
def add(request):
    Customer.objects.create(name=request.POST["name"])
    return redirect("/customers/")


@login_required
def secret(request):
    return HttpResponse(f"Only for {request.user}.")


def enter(request):
    user = authenticate(username=request.POST.get("name"), password=request.POST.get("password"))
    if user is None:
        return HttpResponseForbidden()
    login(request, user)
    return redirect("/secret/")


def write(request):
    send_mail("A question", "Is it open?", "from@example.com", ["to@example.com"])
    return HttpResponse()
