from decimal import Decimal

from django.core import mail
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import TransactionTestCase

from catalog.models import Category, Product
from inventory.models import Warehouse
from orders import services
from orders.models import Currency, Order, ShippingMethod, TaxRate
from orders.services import Delivery
from testing.factories import make_category, make_customer, make_order, make_product, make_stock


class CommitTests(TransactionTestCase):
    """What happens at a real commit, with no transaction of the test's around it."""

    def setUp(self):
        self.order = make_order(make_customer("ada"))

    def test_the_receipt_goes_out_with_the_commit(self):
        with transaction.atomic():
            services.mark_paid(self.order, "R1")
            self.assertEqual(mail.outbox, [])
        self.assertEqual(len(mail.outbox), 1)

    def test_a_rollback_sends_nothing(self):
        with self.assertRaises(RuntimeError), transaction.atomic():
            services.mark_paid(self.order, "R1")
            raise RuntimeError("the gateway is gone")
        self.assertEqual(mail.outbox, [])
        self.assertEqual(Order.objects.get().status, Order.Status.PLACED)

    def test_a_mail_that_cannot_be_sent_does_not_undo_the_payment(self):
        with self.assertLogs("django.db.backends.base", "ERROR"), self.settings(EMAIL_BACKEND="no.such.Backend"):
            services.mark_paid(self.order, "R1")
        self.assertEqual(Order.objects.get().status, Order.Status.PAID)

    def test_hooks_run_in_their_order(self):
        seen = []
        with transaction.atomic():
            transaction.on_commit(lambda: seen.append("first"))
            with transaction.atomic():
                transaction.on_commit(lambda: seen.append("second"))
            try:
                with transaction.atomic():
                    transaction.on_commit(lambda: seen.append("never"))
                    raise ValueError
            except ValueError:
                pass
        self.assertEqual(seen, ["first", "second"])


class EmptyShopTests(TransactionTestCase):
    """A flush has taken the migrated data: the shop copes with none."""

    databases = {"default", "catalog"}

    def setUp(self):
        Currency.objects.all().delete()
        TaxRate.objects.all().delete()
        Product.objects.all().delete()
        Category.objects.all().delete()

    def test_there_is_nothing_to_see_and_nowhere_to_ship(self):
        self.assertContains(self.client.get("/"), "Nothing found.")
        customer = make_customer()
        make_product("MUG", category=make_category("mugs"))
        Currency.objects.create(code="GBP", name="Pound", per_pound=1)
        cart = customer.carts.create()
        cart.add("MUG")
        with self.assertRaisesMessage(services.CheckoutError, "We do not ship to this country."):
            services.place_order(cart, customer, Delivery("GB", "parcel"))


class MigratedShopTests(TransactionTestCase):
    """Needs what the migrations put in, in both databases, whatever ran before it."""

    databases = {"default", "catalog"}
    serialized_rollback = True

    def test_the_first_customer_buys_a_gift_card(self):
        customer = make_customer("first")
        make_stock("GIFT-EUR", 1)
        cart = customer.carts.create()
        cart.add("GIFT-EUR")
        order = services.place_order(cart, customer, Delivery("NL", "letter", currency="EUR"))
        self.assertEqual((order.subtotal, order.tax, order.total), (Decimal("25.00"), 0, Decimal("27.46")))
        self.assertEqual([message.to for message in mail.outbox], [["first@example.com"]])

    def test_the_migrated_data_is_there(self):
        self.use_up_the_migrated_data()

    def test_it_is_there_again_after_a_test_that_took_it(self):
        self.use_up_the_migrated_data()

    def use_up_the_migrated_data(self):
        self.assertEqual((Currency.objects.count(), TaxRate.objects.count(), ShippingMethod.objects.count()), (4, 9, 3))
        self.assertEqual((Warehouse.objects.count(), Category.objects.count()), (2, 7))
        self.assertEqual(Product.objects.filter(sku__startswith="GIFT-").count(), 4)
        TaxRate.objects.all().delete()
        Product.objects.all().delete()


class EmailMigrationTests(TransactionTestCase):
    """``0005_order_email_backfill`` on orders that were placed before there was a column for the address."""

    before = [("orders", "0004_order_email"), ("accounts", "0001_initial")]
    after = [("orders", "0006_order_email_required")]

    def test_copies_the_address_of_the_account(self):
        order = make_order(make_customer("ada"), email="ada@example.com")
        self.addCleanup(self.migrate, self.after)
        old = self.migrate(self.before)
        old.get_model("orders", "Order").objects.update(email=None)
        new = self.migrate(self.after)
        self.assertEqual(new.get_model("orders", "Order").objects.get(pk=order.pk).email, "ada@example.com")

    def migrate(self, targets):
        executor = MigrationExecutor(connection)
        executor.migrate(targets)
        return executor.loader.project_state(targets).apps
