"""Remove files that nothing refers to any more: the noted ones every minute, orphans every day."""

from django.db import migrations

PLANS = {
    "remove discarded files": {
        "func": "generations.disposal.clear",
        "schedule_type": "I",
        "minutes": 1,
    },
    "remove orphaned files": {"func": "generations.disposal.sweep", "schedule_type": "D"},
}


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    for name, schedule in PLANS.items():
        schedules.get_or_create(name=name, defaults=schedule)


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name__in=PLANS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0003_driving"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(plan, cancel)]
