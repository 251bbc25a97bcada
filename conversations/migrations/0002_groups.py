"""The roles of Parley as groups; what each may do stands in conversations/access.py."""

from django.db import migrations

ROLES = ("agent", "supervisor", "compliance", "admin")


def add_groups(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects
    for name in ROLES:
        groups.get_or_create(name=name)


def remove_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(add_groups, remove_groups)]
