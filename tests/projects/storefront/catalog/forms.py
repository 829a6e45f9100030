from pathlib import PurePath

from django import forms

from catalog.models import ProductImage

IMAGE_TYPES = {".png", ".jpg", ".jpeg", ".webp", ".svg"}
LARGEST_BYTES = 512 * 1024


class ProductImageForm(forms.ModelForm):
    class Meta:
        model = ProductImage
        fields = ["file", "alt"]

    def clean_file(self):
        file = self.cleaned_data["file"]
        if PurePath(file.name).suffix.lower() not in IMAGE_TYPES:
            raise forms.ValidationError("This is no image that browsers show.", code="type")
        if file.size > LARGEST_BYTES:
            raise forms.ValidationError("Images may have 512 KiB.", code="size")
        return file
