"""PostgreSQL with a statement at the start of each connection: what most backends of projects do."""

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def init_connection_state(self):
        super().init_connection_state()
        with self.cursor() as cursor:
            cursor.execute("SET statement_timeout = '17s'")
