"""Closed accounts are emptied, every minute."""

from django.db import migrations

PLANS = {
    "empty closed accounts": {
        "func": "generations.closing.end_closed",
        "schedule_type": "I",
        "minutes": 1,
    },
}


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    for name, schedule in PLANS.items():
        schedules.get_or_create(name=name, defaults=schedule)


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name__in=PLANS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0009_prove_and_forget"),
        ("accounts", "0008_teams"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(plan, cancel)]
