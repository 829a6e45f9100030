from pytest_bdd import given, scenarios, then, when

scenarios("orders.feature")


@given("an order", target_fixture="order")
def order():
    return []


@when("it gets a line")
def line(order):
    order.append(1)


@then("it has a total")
def total(order):
    assert sum(order) == 1
