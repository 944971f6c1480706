"""Prove the books every hour, forget what is old every day, and find the jobs of the last hour."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations

PLANS = {
    "prove the books": {"func": "generations.proof.run_and_tell", "schedule_type": "H"},
    "forget what is old": {"func": "generations.retention.forget", "schedule_type": "D"},
}


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    for name, schedule in PLANS.items():
        schedules.get_or_create(name=name, defaults=schedule)


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name__in=PLANS).delete()


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("generations", "0008_marks"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [
        migrations.RunPython(plan, cancel),
        AddIndexConcurrently(
            "generation",
            django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="generation_created"
            ),
        ),
    ]
