"""Look every minute for accounts below their threshold, and for payments without an answer."""

from django.db import migrations

NAME = "top up"


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    schedules.get_or_create(
        name=NAME,
        defaults={"func": "billing.tasks.top_up", "schedule_type": "I", "minutes": 1},
    )


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_watch_alerts_and_expiries"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(plan, cancel)]
