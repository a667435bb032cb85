"""On PostgreSQL, sort certificate names by octet, as SQLite does: then a prefix is a range of the index."""

from django.db import migrations


def collate(collation):
    def alter(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f"ALTER TABLE vault_certificate ALTER COLUMN name_key TYPE varchar(127) COLLATE {collation}"
            )

    return alter


class Migration(migrations.Migration):
    dependencies = [("vault", "0003_indexes")]

    operations = [migrations.RunPython(collate('"C"'), collate('"default"'))]
