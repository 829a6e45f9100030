from cards.models import SUITS


class SuitRouter:
    """Only cards are in the databases of the suits."""

    def allow_migrate(self, db, app_label, **hints):
        return app_label == "cards" if db in SUITS else None
