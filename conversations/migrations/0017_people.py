"""Changes of people in the console's chain; second factors."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0016_parts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='loginattempts',
            name='noted_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('received', 'message received'), ('matched', 'message received again'), ('replied', 'reply written'), ('queued', 'queued for delivery'), ('language', "guest's language decided"), ('translated', 'translated'), ('passed_through', 'passed through'), ('translation_failed', 'translation failed'), ('sending', 'sending'), ('confirmed', 'delivery confirmed'), ('part_confirmed', 'part of it delivered'), ('echoed', 'echo received'), ('duplicate', 'duplicate incident'), ('ambiguous', 'delivery ambiguous'), ('review', 'put under review'), ('requeued', 'queued again'), ('failed', 'delivery failed'), ('expired', 'delivery expired'), ('dropped', 'delivery dropped'), ('attributes_written', 'attributes written'), ('attributes_failed', 'attributes not written'), ('replayed', 'dead letter replayed'), ('dead_letter_closed', 'dead letter closed'), ('read', 'read'), ('closed', 'conversation closed'), ('redacted', 'redacted'), ('suggested', 'knowledge suggested'), ('knowledge_failed', 'knowledge lookup failed'), ('exported', 'exported'), ('export_requested', 'export requested'), ('export_previewed', 'export previewed'), ('export_finished', 'export finished'), ('export_failed', 'export failed'), ('export_cancelled', 'export cancelled'), ('export_fetched', 'export fetched'), ('export_verified', 'export verified'), ('export_erased', 'export erased'), ('export_refused', 'export refused'), ('person_added', 'account added'), ('person_changed', 'account changed'), ('person_removed', 'account removed'), ('roles_changed', 'roles changed'), ('group_changed', 'group changed'), ('agent_changed', 'agent of an account changed'), ('logged_in', 'logged in'), ('logged_out', 'logged out'), ('login_refused', 'log-in refused'), ('factor_set', 'second factor set up'), ('factor_removed', 'second factor removed'), ('factor_reset', 'second factor reset'), ('codes_renewed', 'recovery codes renewed'), ('code_used', 'recovery code used'), ('erased', 'erased'), ('held', 'legal hold placed'), ('released', 'legal hold lifted'), ('viewed', 'viewed'), ('view_refused', 'view refused')], max_length=32),
        ),
        migrations.CreateModel(
            name='SecondFactor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('throttling_failure_timestamp', models.DateTimeField(blank=True, default=None, help_text='A timestamp of the last failed verification attempt. Null if last attempt succeeded.', null=True)),
                ('throttling_failure_count', models.PositiveIntegerField(default=0, help_text='Number of successive failed attempts.')),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='The date and time when this device was initially created in the system.', null=True)),
                ('last_used_at', models.DateTimeField(blank=True, help_text='The most recent date and time this device was used.', null=True)),
                ('confirmed', models.BooleanField(default=False)),
                ('secret', models.BinaryField()),
                ('last_t', models.BigIntegerField(default=-1)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='second_factor', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('factor', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='codes', to='conversations.secondfactor')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('factor', 'digest'), name='recovery_code_once')],
            },
        ),
    ]
