"""The audit trail takes new events and nothing else: the database itself refuses changes and deletions."""

from django.db import migrations

SQLITE = """
CREATE TRIGGER audit_no_update BEFORE UPDATE ON vault_auditevent
BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON vault_auditevent
BEGIN SELECT RAISE(ABORT, 'audit events are never deleted'); END;
"""
POSTGRESQL = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit events are never changed or deleted'; END; $$;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON vault_auditevent
FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON vault_auditevent
FOR EACH ROW EXECUTE FUNCTION audit_append_only();
"""


def forwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
        return
    for statement in SQLITE.strip().split("END;\n"):
        if statement.strip():
            schema_editor.execute(statement.strip().removesuffix("END;") + " END;")


def backwards(apps, schema_editor):
    on_table = " ON vault_auditevent" if schema_editor.connection.vendor == "postgresql" else ""
    for name in ("audit_no_update", "audit_no_delete"):
        schema_editor.execute(f"DROP TRIGGER {name}{on_table}")
    if on_table:
        schema_editor.execute("DROP FUNCTION audit_append_only()")


class Migration(migrations.Migration):
    dependencies = [("vault", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
