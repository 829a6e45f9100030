"""The cart that belongs to a visitor: by their session, and by their account once they have logged in."""

from orders.models import Cart

SESSION_KEY = "cart"


def current_cart(request, *, create=False):
    """The visitor's cart, or ``None``; with *create*, a new one if they have none."""
    cart = Cart.objects.filter(pk=request.session.get(SESSION_KEY)).first()
    customer = request.user.customer if request.user.is_authenticated else None
    if cart is None and customer is not None:
        cart = customer.carts.order_by("-created_at").first()
    if cart is None and create:
        cart = Cart.objects.create(customer=customer)
    if cart is not None:
        if customer is not None and cart.customer_id is None:
            cart.customer = customer
            cart.save(update_fields=["customer"])
        request.session[SESSION_KEY] = cart.pk
    return cart
