from django import forms

from .models import Subscriber


class SubscriberForm(forms.ModelForm):
    class Meta:
        model = Subscriber
        fields = ["email"]


class CheckedSubscriberForm(forms.Form):
    """Looks for the address on the primary."""

    email = forms.EmailField()

    def clean_email(self):
        email = self.cleaned_data["email"]
        if Subscriber.objects.using("default").filter(email=email).exists():
            raise forms.ValidationError("taken")
        return email

    def save(self):
        return Subscriber.objects.create(email=self.cleaned_data["email"])
