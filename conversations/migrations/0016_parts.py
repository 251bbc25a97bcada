"""Deliveries in parts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0015_calendar'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='attempts_before',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='delivery',
            name='part_chars',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='delivery',
            name='part_from',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='delivery',
            name='part_of',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='conversations.delivery'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='message',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='delivery', to='conversations.message'),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('received', 'message received'), ('matched', 'message received again'), ('replied', 'reply written'), ('queued', 'queued for delivery'), ('language', "guest's language decided"), ('translated', 'translated'), ('passed_through', 'passed through'), ('translation_failed', 'translation failed'), ('sending', 'sending'), ('confirmed', 'delivery confirmed'), ('part_confirmed', 'part of it delivered'), ('echoed', 'echo received'), ('duplicate', 'duplicate incident'), ('ambiguous', 'delivery ambiguous'), ('review', 'put under review'), ('requeued', 'queued again'), ('failed', 'delivery failed'), ('expired', 'delivery expired'), ('dropped', 'delivery dropped'), ('attributes_written', 'attributes written'), ('attributes_failed', 'attributes not written'), ('replayed', 'dead letter replayed'), ('dead_letter_closed', 'dead letter closed'), ('read', 'read'), ('closed', 'conversation closed'), ('redacted', 'redacted'), ('suggested', 'knowledge suggested'), ('knowledge_failed', 'knowledge lookup failed'), ('exported', 'exported'), ('export_requested', 'export requested'), ('export_previewed', 'export previewed'), ('export_finished', 'export finished'), ('export_failed', 'export failed'), ('export_cancelled', 'export cancelled'), ('export_fetched', 'export fetched'), ('export_verified', 'export verified'), ('export_erased', 'export erased'), ('export_refused', 'export refused'), ('erased', 'erased'), ('held', 'legal hold placed'), ('released', 'legal hold lifted'), ('viewed', 'viewed'), ('view_refused', 'view refused')], max_length=32),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('part_of__isnull', False)), fields=['part_of'], name='delivery_parts'),
        ),
    ]
