from django import forms

from orders.models import Currency, ShippingMethod, TaxRate
from orders.services import Delivery


class AddToCartForm(forms.Form):
    sku = forms.SlugField()
    quantity = forms.IntegerField(min_value=1, max_value=99, initial=1)


class CheckoutForm(forms.Form):
    country = forms.ChoiceField()
    shipping = forms.ModelChoiceField(ShippingMethod.objects, to_field_name="code", empty_label=None)
    currency = forms.ModelChoiceField(Currency.objects, empty_label=None, initial="GBP")
    voucher = forms.CharField(max_length=20, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        countries = TaxRate.objects.order_by("country").values_list("country", flat=True).distinct()
        self.fields["country"].choices = [(country, country) for country in countries]

    def delivery(self):
        data = self.cleaned_data
        return Delivery(data["country"], data["shipping"].code, data["currency"].code, data["voucher"].strip())
