from harness.protocol.messages import Endpoint, Route
from harness.runner.project.settings_overlay import in_memory


def test_an_alias_is_in_memory_as_its_server_is() -> None:
    routes = [
        Route("default", "default", "django.db.backends.postgresql", "shop"),
        Route("orders", "orders", "django.db.backends.mysql", "shop"),
        Route("files", None, "django.db.backends.sqlite3", ""),
    ]
    endpoints = [
        Endpoint("default", "primary", "default", 5432, "secret", is_in_memory=True),
        Endpoint("orders", "primary", "orders", 3306, "secret"),
    ]
    assert in_memory(routes, endpoints) == {"default"}
