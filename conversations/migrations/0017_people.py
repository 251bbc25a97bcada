"""Changes of people in the console's chain."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0016_parts'),
    ]

    operations = [
        migrations.AlterField(
            model_name='journalentry',
            name='kind',
            field=models.CharField(choices=[('received', 'message received'), ('matched', 'message received again'), ('replied', 'reply written'), ('queued', 'queued for delivery'), ('language', "guest's language decided"), ('translated', 'translated'), ('passed_through', 'passed through'), ('translation_failed', 'translation failed'), ('sending', 'sending'), ('confirmed', 'delivery confirmed'), ('part_confirmed', 'part of it delivered'), ('echoed', 'echo received'), ('duplicate', 'duplicate incident'), ('ambiguous', 'delivery ambiguous'), ('review', 'put under review'), ('requeued', 'queued again'), ('failed', 'delivery failed'), ('expired', 'delivery expired'), ('dropped', 'delivery dropped'), ('attributes_written', 'attributes written'), ('attributes_failed', 'attributes not written'), ('replayed', 'dead letter replayed'), ('dead_letter_closed', 'dead letter closed'), ('read', 'read'), ('closed', 'conversation closed'), ('redacted', 'redacted'), ('suggested', 'knowledge suggested'), ('knowledge_failed', 'knowledge lookup failed'), ('exported', 'exported'), ('export_requested', 'export requested'), ('export_previewed', 'export previewed'), ('export_finished', 'export finished'), ('export_failed', 'export failed'), ('export_cancelled', 'export cancelled'), ('export_fetched', 'export fetched'), ('export_verified', 'export verified'), ('export_erased', 'export erased'), ('export_refused', 'export refused'), ('person_added', 'account added'), ('person_changed', 'account changed'), ('person_removed', 'account removed'), ('roles_changed', 'roles changed'), ('group_changed', 'group changed'), ('agent_changed', 'agent of an account changed'), ('logged_in', 'logged in'), ('logged_out', 'logged out'), ('login_refused', 'log-in refused'), ('factor_set', 'second factor set up'), ('factor_removed', 'second factor removed'), ('factor_reset', 'second factor reset'), ('codes_renewed', 'recovery codes renewed'), ('code_used', 'recovery code used'), ('erased', 'erased'), ('held', 'legal hold placed'), ('released', 'legal hold lifted'), ('viewed', 'viewed'), ('view_refused', 'view refused')], max_length=32),
        ),
    ]
