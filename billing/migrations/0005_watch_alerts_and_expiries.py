"""Look at the alerts every minute, and end promotions every day."""

from django.db import migrations

PLANS = {
    "watch the alerts": {
        "func": "billing.tasks.watch_alerts",
        "schedule_type": "I",
        "minutes": 1,
    },
    "end promotions": {"func": "billing.tasks.end_promotions", "schedule_type": "D"},
}


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    for name, defaults in PLANS.items():
        schedules.get_or_create(name=name, defaults=defaults)


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name__in=PLANS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_hold_in_one_round_trip"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(plan, cancel)]
