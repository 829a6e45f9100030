from django.db import migrations


class PostgresSQL(migrations.RunSQL):
    """Runs on PostgreSQL alone."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_gift_cards")]

    operations = [
        PostgresSQL(
            """
            CREATE INDEX product_search ON catalog_product
            USING gin (to_tsvector('english', name || ' ' || description))
            """,
            "DROP INDEX product_search",
        ),
    ]
