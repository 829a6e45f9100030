from django.contrib.admin.views.decorators import staff_member_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.views.generic import DetailView, FormView, ListView

from catalog.forms import ProductImageForm
from catalog.models import Category, Product


class ProductListView(ListView):
    paginate_by = 12
    template_name = "catalog/product_list.html"

    def get_queryset(self):
        products = Product.objects.active().select_related("category")
        if slug := self.kwargs.get("slug"):
            products = products.within(get_object_or_404(Category, slug=slug))
        if text := self.request.GET.get("q", ""):
            products = products.search(text)
        return products


class ProductDetailView(DetailView):
    slug_field = slug_url_kwarg = "sku"
    template_name = "catalog/product_detail.html"
    queryset = Product.objects.active().select_related("category").prefetch_related("images")


@method_decorator(staff_member_required(login_url="accounts:login"), name="dispatch")
class ProductImageUploadView(FormView):
    form_class = ProductImageForm
    template_name = "catalog/image_form.html"

    def form_valid(self, form):
        product = get_object_or_404(Product, sku=self.kwargs["sku"])
        form.instance.product = product
        form.instance.position = product.images.count() + 1
        form.save()
        return redirect(product)

    def form_invalid(self, form):
        return render(self.request, self.template_name, {"form": form}, status=422)
