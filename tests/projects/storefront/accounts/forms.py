import re

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm

from accounts.models import Address

User = get_user_model()

POSTCODES = {
    "GB": re.compile(r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"),
    "DE": re.compile(r"\d{5}"),
    "NL": re.compile(r"[1-9]\d{3} [A-Z]{2}"),
}


class SignUpForm(UserCreationForm):
    email = forms.EmailField()
    marketing_opt_in = forms.BooleanField(required=False, label="Send me offers")

    class Meta:
        model = User
        fields = ["username", "email"]

    def clean_email(self):
        email = User.objects.normalize_email(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError("There is an account with this address.", code="taken")
        return email

    def save(self, commit=True):
        user = super().save(commit)
        if commit and self.cleaned_data["marketing_opt_in"]:
            user.customer.marketing_opt_in = True
            user.customer.save(update_fields=["marketing_opt_in"])
        return user


class AddressForm(forms.ModelForm):
    class Meta:
        model = Address
        fields = ["label", "line1", "city", "postcode", "country"]

    def clean_country(self):
        return self.cleaned_data["country"].upper()

    def clean(self):
        cleaned = super().clean()
        country, postcode = cleaned.get("country"), cleaned.get("postcode")
        if country and postcode:
            cleaned["postcode"] = postcode = re.sub(r"\s+", " ", postcode.strip().upper())
            pattern = POSTCODES.get(country)
            if pattern and not pattern.fullmatch(postcode):
                self.add_error("postcode", f"This is no postcode of {country}.")
        return cleaned
