"""Products from the supplier's CSV."""

import csv
from dataclasses import dataclass, field

from django import forms
from django.db import transaction

from catalog.models import Category, Product

COLUMNS = ["sku", "name", "category", "price", "weight_g"]


class RowForm(forms.ModelForm):
    category = forms.ModelChoiceField(Category.objects, to_field_name="slug")

    class Meta:
        model = Product
        fields = COLUMNS

    def validate_unique(self):
        """A known SKU is an update, not a mistake."""


class ImportFailed(Exception):
    def __init__(self, errors):
        super().__init__(f"{len(errors)} bad rows")
        self.errors = errors


@dataclass
class ImportResult:
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)


def import_products(lines):
    """Create or update a product for each row of the CSV in *lines*.

    All or nothing: raises ``ImportFailed`` with ``[(line number, {column: [message]})]``, and then nothing is kept.
    """
    reader = csv.DictReader(lines)
    if missing := set(COLUMNS) - set(reader.fieldnames or ()):
        raise ImportFailed([(1, {column: ["The column is missing."] for column in sorted(missing)})])
    result, errors = ImportResult(), []
    with transaction.atomic(using="catalog"):
        for row in reader:
            form = RowForm(row)
            if not form.is_valid():
                errors.append((reader.line_num, dict(form.errors)))
                continue
            values = form.cleaned_data
            _, created = Product.objects.update_or_create(sku=values.pop("sku"), defaults=values)
            (result.created if created else result.updated).append(row["sku"])
        if errors:
            raise ImportFailed(errors)
    return result
