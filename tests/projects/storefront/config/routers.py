from django.conf import settings

SHOP = {"default", "replica"}


class CatalogRouter:
    """The catalogue has a server of its own."""

    app_label = "catalog"

    def db_for_read(self, model, **hints):
        return "catalog" if model._meta.app_label == self.app_label else None

    db_for_write = db_for_read

    def allow_relation(self, first, second, **hints):
        labels = {first._meta.app_label, second._meta.app_label}
        if self.app_label not in labels:
            return None
        return labels == {self.app_label}

    def allow_migrate(self, db, app_label, **hints):
        if app_label == self.app_label or db == "catalog":
            return app_label == self.app_label and db == "catalog"
        return None


class ReportingRouter:
    """What the reports read comes from the replica, which takes no writes and no migrations."""

    def db_for_read(self, model, **hints):
        return settings.REPORTING_DATABASE if model._meta.app_label == "reports" else None

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, first, second, **hints):
        return True if {first._state.db, second._state.db} <= SHOP else None

    def allow_migrate(self, db, app_label, **hints):
        return False if db == "replica" else None
