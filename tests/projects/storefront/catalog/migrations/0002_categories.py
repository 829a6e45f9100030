from django.db import migrations

TREE = {
    ("kitchen", "Kitchen"): [("mugs", "Mugs"), ("plates", "Plates")],
    ("office", "Office"): [("notebooks", "Notebooks"), ("pens", "Pens")],
    ("gift-cards", "Gift cards"): [],
}


def add(apps, schema_editor):
    categories = apps.get_model("catalog", "Category").objects.using(schema_editor.connection.alias)
    for position, ((slug, name), children) in enumerate(TREE.items()):
        parent = categories.create(slug=slug, name=name, position=position)
        for child_position, (child_slug, child_name) in enumerate(children):
            categories.create(slug=child_slug, name=child_name, parent=parent, position=child_position)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
