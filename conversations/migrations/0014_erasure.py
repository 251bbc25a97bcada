"""Erasure, retention and legal holds; attempts to log in."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0013_exports'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('guest_id', models.CharField(blank=True, max_length=200)),
                ('guest_digest', models.CharField(db_index=True, editable=False, max_length=64)),
                ('named', models.JSONField(default=list)),
                ('reason', models.CharField(max_length=200)),
                ('actor', models.CharField(max_length=100)),
                ('requested_at', models.DateTimeField()),
                ('active_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('state', models.CharField(choices=[('running', 'running'), ('finished', 'finished'), ('refused', 'refused')], default='running', max_length=16)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('conversations', models.PositiveIntegerField(default=0)),
                ('messages', models.PositiveIntegerField(default=0)),
                ('texts', models.PositiveIntegerField(default=0)),
                ('attachments', models.PositiveIntegerField(default=0)),
                ('extracts', models.PositiveIntegerField(default=0)),
                ('export_files', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='LegalHold',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=200)),
                ('placed_at', models.DateTimeField()),
                ('lifted_at', models.DateTimeField(blank=True, null=True)),
                ('lift_reason', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='LoginAttempts',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(editable=False, max_length=64, unique=True)),
                ('kind', models.CharField(choices=[('account', 'an account from a network'), ('network', 'a network')], max_length=16)),
                ('account', models.CharField(blank=True, max_length=150)),
                ('network', models.CharField(max_length=64)),
                ('count', models.PositiveIntegerField(default=0)),
                ('since', models.DateTimeField()),
                ('last_at', models.DateTimeField(db_index=True)),
                ('refused', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'log-in attempts',
                'verbose_name_plural': 'log-in attempts',
            },
        ),
        migrations.AddField(
            model_name='conversation',
            name='erased_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='message',
            name='erased_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('received', 'message received'), ('matched', 'message received again'), ('replied', 'reply written'), ('queued', 'queued for delivery'), ('language', "guest's language decided"), ('translated', 'translated'), ('passed_through', 'passed through'), ('translation_failed', 'translation failed'), ('sending', 'sending'), ('confirmed', 'delivery confirmed'), ('echoed', 'echo received'), ('duplicate', 'duplicate incident'), ('ambiguous', 'delivery ambiguous'), ('review', 'put under review'), ('requeued', 'queued again'), ('failed', 'delivery failed'), ('expired', 'delivery expired'), ('dropped', 'delivery dropped'), ('attributes_written', 'attributes written'), ('attributes_failed', 'attributes not written'), ('replayed', 'dead letter replayed'), ('dead_letter_closed', 'dead letter closed'), ('read', 'read'), ('closed', 'conversation closed'), ('redacted', 'redacted'), ('suggested', 'knowledge suggested'), ('knowledge_failed', 'knowledge lookup failed'), ('exported', 'exported'), ('export_requested', 'export requested'), ('export_previewed', 'export previewed'), ('export_finished', 'export finished'), ('export_failed', 'export failed'), ('export_cancelled', 'export cancelled'), ('export_fetched', 'export fetched'), ('export_verified', 'export verified'), ('export_erased', 'export erased'), ('export_refused', 'export refused'), ('erased', 'erased'), ('held', 'legal hold placed'), ('released', 'legal hold lifted'), ('viewed', 'viewed'), ('view_refused', 'view refused')], max_length=32),
        ),
        migrations.AddIndex(
            model_name='conversation',
            index=models.Index(condition=models.Q(('guest_id', ''), _negated=True), fields=['guest_id'], name='conversation_by_guest'),
        ),
        migrations.AddField(
            model_name='erasure',
            name='requested_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='legalhold',
            name='conversation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='conversations.conversation'),
        ),
        migrations.AddField(
            model_name='legalhold',
            name='lifted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='legalhold',
            name='placed_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='erasure',
            index=models.Index(condition=models.Q(('state', 'running')), fields=['requested_at'], name='erasure_unfinished'),
        ),
        migrations.AddConstraint(
            model_name='legalhold',
            constraint=models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('conversation',), name='hold_in_force_once'),
        ),
    ]
