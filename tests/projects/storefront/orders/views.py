from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.generic import DetailView, ListView

import payments.services
from catalog.models import Product
from orders import services
from orders.carts import current_cart
from orders.forms import AddToCartForm, CheckoutForm
from orders.models import Order


@require_POST
def add_to_cart(request):
    form = AddToCartForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That did not work.")
        return redirect("catalog:product-list")
    product = get_object_or_404(Product.objects.active(), sku=form.cleaned_data["sku"])
    current_cart(request, create=True).add(product.sku, form.cleaned_data["quantity"])
    messages.success(request, f"{product.name} is in your cart.")
    return redirect(product)


@login_required
def checkout(request):
    cart = current_cart(request)
    if cart is None or not cart.item_count:
        messages.info(request, "Your cart is empty.")
        return redirect("catalog:product-list")
    form = CheckoutForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            order = services.place_order(cart, request.user.customer, form.delivery())
        except services.CheckoutError as error:
            form.add_error(None, str(error))
        else:
            return redirect(order)
    return render(request, "orders/checkout.html", {"form": form, "cart": cart})


class OrderListView(LoginRequiredMixin, ListView):
    paginate_by = 10
    template_name = "orders/order_list.html"

    def get_queryset(self):
        return Order.objects.of(self.request.user).select_related("currency")


class OrderDetailView(LoginRequiredMixin, DetailView):
    slug_field = slug_url_kwarg = "number"
    template_name = "orders/order_detail.html"

    def get_queryset(self):
        return Order.objects.of(self.request.user).prefetch_related("lines", "events")


@require_POST
@login_required
def cancel(request, number):
    order = get_object_or_404(Order.objects.of(request.user), number=number)
    try:
        services.cancel(order, reason="customer")
    except ValueError:
        messages.error(request, "It is too late to cancel this order.")
    return redirect(order)


@require_POST
@permission_required("orders.refund_order", raise_exception=True)
def refund(request, number):
    order = get_object_or_404(Order, number=number)
    try:
        payments.services.refund(order, reason=request.POST.get("reason", ""))
    except payments.services.PaymentError as error:
        return render(request, "orders/refund_failed.html", {"order": order, "error": error}, status=409)
    return redirect("admin:orders_order_change", order.pk)
