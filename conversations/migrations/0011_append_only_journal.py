"""The journal is only ever added to: triggers refuse everything else, whoever asks."""

from django.db import migrations, models

TABLE = "conversations_journalentry"
REFUSAL = "the journal is only added to: no update, no delete"

POSTGRESQL = f"""
CREATE FUNCTION parley_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER parley_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}
    FOR EACH STATEMENT EXECUTE FUNCTION parley_refuse_change();
"""
SQLITE = [
    f"CREATE TRIGGER parley_no_{change.lower()} BEFORE {change} ON {TABLE} "
    f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    for change in ("UPDATE", "DELETE")
]


def add_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
    else:
        for statement in SQLITE:
            schema_editor.execute(statement)


def remove_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER parley_append_only ON {TABLE}")
        schema_editor.execute("DROP FUNCTION parley_refuse_change()")
    else:
        for change in ("update", "delete"):
            schema_editor.execute(f"DROP TRIGGER parley_no_{change}")


class Migration(migrations.Migration):
    dependencies = [("conversations", "0010_transcription_journal")]
    operations = [
        migrations.CreateModel(
            name="AnchorState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("at", models.DateTimeField()),
                ("looked_at", models.JSONField(default=list)),
            ],
        ),
        migrations.AddField(
            model_name="verificationrun",
            name="anchors",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="verificationrun",
            name="valid_anchors",
            field=models.PositiveBigIntegerField(null=True),
        ),
        migrations.RunPython(add_triggers, remove_triggers),
    ]
