"""A conversation knows its last confirmed write, instead of looking for it at every PUT."""

import django.db.models.deletion
from django.db import migrations, models

_FILL = """
UPDATE conversations_conversation SET last_audit_id = (
    SELECT MAX(audit.id) FROM conversations_attributeaudit AS audit
    WHERE audit.conversation_id = conversations_conversation.id AND audit.status = 'written'
)
"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0002_groups")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="last_audit",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="conversations.attributeaudit",
            ),
        ),
        migrations.RunSQL(_FILL, migrations.RunSQL.noop),
    ]
