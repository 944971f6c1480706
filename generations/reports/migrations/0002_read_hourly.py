"""Ask the upstream for its prices and bills every hour."""

from django.db import migrations

NAME = "read upstream costs"


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    schedules.get_or_create(
        name=NAME,
        defaults={"func": "generations.reports.tasks.read_upstream_costs", "schedule_type": "H"},
    )


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0001_upstream_costs"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(plan, cancel)]
