"""Compare our books with Stripe's every day."""

from django.db import migrations

NAME = "reconcile with Stripe"


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    schedules.get_or_create(
        name=NAME, defaults={"func": "billing.tasks.reconcile_stripe", "schedule_type": "D"}
    )


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_top_up_every_minute")]
    operations = [migrations.RunPython(plan, cancel)]
