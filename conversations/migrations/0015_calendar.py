"""Deliveries and journal entries by date."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0014_erasure'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['-created_at'], name='delivery_by_queuing'),
        ),
        migrations.AddIndex(
            model_name='journalentry',
            index=models.Index(fields=['-at'], name='journal_by_time'),
        ),
    ]
