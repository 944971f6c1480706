"""Tell of webhooks that were switched off every minute, and forget old deliveries every day."""

from django.db import migrations

PLANS = {
    "tell of webhooks": {
        "func": "accounts.tasks.tell_of_webhooks",
        "schedule_type": "I",
        "minutes": 1,
    },
    "forget deliveries": {"func": "accounts.tasks.forget_deliveries", "schedule_type": "D"},
}


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    for name, defaults in PLANS.items():
        schedules.get_or_create(name=name, defaults=defaults)


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name__in=PLANS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_webhooks"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(plan, cancel)]
