"""Jobs in test mode are marked, and their films are removed after a week."""

from django.db import migrations, models

NAME = "remove old test films"


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    schedules.get_or_create(
        name=NAME, defaults={"func": "generations.disposal.end_tests", "schedule_type": "H"}
    )


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_twins"),
        ("generations", "0005_kept_answers"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [
        migrations.AddField(
            model_name="generation",
            name="test",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["created", "submitting", "in_doubt", "processing"]),
                    ("test", True),
                ),
                fields=["due_at"],
                name="generation_test_due",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("test", True)),
                fields=["finished_at"],
                name="generation_test_kept",
            ),
        ),
        migrations.RunPython(plan, cancel),
    ]
