# Who had a provider asked again; the breaker half-open.

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('translation', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='providerstate',
            name='reopened_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='providerstate',
            name='state',
            field=models.CharField(choices=[('ok', 'ok'), ('throttled', 'throttled'), ('open', 'breaker open'), ('half_open', 'breaker half-open'), ('quota', 'quota exceeded'), ('credentials', 'credentials refused')], default='ok', max_length=16),
        ),
    ]
