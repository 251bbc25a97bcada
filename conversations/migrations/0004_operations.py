# Decisions of persons on dead letters and old messages; runs of verify_audit.

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0003_last_audit'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='VerificationRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField()),
                ('holds', models.BooleanField()),
                ('entries', models.PositiveBigIntegerField()),
                ('valid_entries', models.PositiveBigIntegerField()),
                ('chains', models.PositiveBigIntegerField()),
                ('valid_chains', models.PositiveBigIntegerField()),
                ('texts', models.PositiveBigIntegerField()),
                ('faults', models.TextField(blank=True)),
            ],
        ),
        migrations.AddField(
            model_name='deadletter',
            name='decided_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='deadletter',
            name='decided_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='deadletter',
            name='decision',
            field=models.CharField(blank=True, choices=[('', 'none yet'), ('replayed', 'replayed'), ('closed', 'closed')], db_default='', default='', editable=False, max_length=16),
        ),
        migrations.AddField(
            model_name='deadletter',
            name='decision_reason',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=200),
        ),
        migrations.AddField(
            model_name='delivery',
            name='earlier_sending_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='message',
            name='decided_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('received', 'message received'), ('translated', 'translated'), ('passed_through', 'passed through'), ('translation_failed', 'translation failed'), ('sending', 'sending'), ('confirmed', 'delivery confirmed'), ('echoed', 'echo received'), ('ambiguous', 'delivery ambiguous'), ('review', 'put under review'), ('requeued', 'queued again'), ('failed', 'delivery failed'), ('expired', 'delivery expired'), ('dropped', 'delivery dropped'), ('attributes_written', 'attributes written'), ('attributes_failed', 'attributes not written'), ('replayed', 'dead letter replayed'), ('dead_letter_closed', 'dead letter closed'), ('read', 'read'), ('closed', 'conversation closed')], max_length=32),
        ),
        migrations.AddIndex(
            model_name='deadletter',
            index=models.Index(condition=models.Q(('decided_at__isnull', True)), fields=['created_at'], name='dead_letter_undecided'),
        ),
        migrations.AddIndex(
            model_name='verificationrun',
            index=models.Index(fields=['-finished_at'], name='verification_by_time'),
        ),
    ]
