from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.views.generic import CreateView, TemplateView

from accounts.forms import AddressForm, SignUpForm
from notifications import mails


class SignUpView(CreateView):
    form_class = SignUpForm
    template_name = "accounts/signup.html"

    @transaction.atomic
    def form_valid(self, form):
        user = form.save()
        transaction.on_commit(lambda: mails.send_welcome(user))
        login(self.request, user)
        return redirect("accounts:profile")


class ProfileView(LoginRequiredMixin, TemplateView):
    template_name = "accounts/profile.html"

    def get_context_data(self, **kwargs):
        customer = self.request.user.customer
        return super().get_context_data(customer=customer, addresses=customer.addresses.all(), **kwargs)


class AddressCreateView(LoginRequiredMixin, CreateView):
    form_class = AddressForm
    template_name = "accounts/address_form.html"
    success_url = reverse_lazy("accounts:profile")

    def form_valid(self, form):
        customer = self.request.user.customer
        form.instance.customer = customer
        form.instance.is_default = not customer.addresses.exists()
        messages.success(self.request, "The address is saved.")
        return super().form_valid(form)
