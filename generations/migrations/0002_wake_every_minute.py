"""Wake the driver every minute, whatever became of the wake-ups that came with the jobs."""

from django.db import migrations

NAME = "wake the driver"


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    schedules.get_or_create(
        name=NAME,
        defaults={"func": "generations.tasks.drive", "schedule_type": "I", "minutes": 1},
    )


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0001_initial"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [migrations.RunPython(plan, cancel)]
