"""Films get a title, a favourite's mark, a link to share, a last frame, and a way to be found.

Every column added is quick but the three that PostgreSQL fills: the table is written anew for them.
"""

from django.db import migrations, models
from django.db.models.expressions import CombinedExpression
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce, Greatest

# The account goes in as one word, whatever the parser would make of its hyphens.
WORDS = """
CREATE FUNCTION generations_words(account uuid, inputs jsonb, title text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_tsvector(ARRAY[account::text])
    || to_tsvector('simple'::regconfig, title || ' ' || coalesce(inputs->>'prompt', ''))
"""
FOUND = """
ALTER TABLE generations_generation
    ADD words tsvector GENERATED ALWAYS AS (generations_words(account_id, inputs, title)) STORED;
CREATE INDEX generation_words ON generations_generation USING gin (words)
    WHERE hidden_at IS NULL AND deleted_at IS NULL AND status IN ('completed', 'failed');
"""
SCHEDULE = "remove hidden films"


def plan(apps, schema_editor):
    schedules = apps.get_model("django_q", "Schedule").objects
    schedules.get_or_create(
        name=SCHEDULE,
        defaults={
            "func": "generations.disposal.end_hidden",
            "schedule_type": "I",
            "minutes": 5,
        },
    )


def cancel(apps, schema_editor):
    apps.get_model("django_q", "Schedule").objects.filter(name=SCHEDULE).delete()

# What a gallery shows.
SHOWN = models.Q(
    ("deleted_at", None), ("hidden_at", None), ("status__in", ["completed", "failed"])
)


class Migration(migrations.Migration):
    dependencies = [
        ("generations", "0007_request_jobs"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]
    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION generations_words(uuid, jsonb, text)"),
        migrations.AddField(
            model_name="generation",
            name="favourite",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="generation",
            name="hidden_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="generation",
            name="last_frame",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=models.SET_NULL,
                related_name="+",
                to="generations.upload",
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="share_word",
            field=models.CharField(blank=True, db_default="", default="", max_length=43),
        ),
        migrations.AddField(
            model_name="generation",
            name="title",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddField(
            model_name="generation",
            name="length",
            field=models.GeneratedField(
                db_persist=True,
                expression=Greatest(
                    1,
                    Coalesce(
                        CombinedExpression(
                            CombinedExpression(models.F("duration_ms"), "+", models.Value(499)),
                            "/",
                            models.Value(1000),
                        ),
                        Cast(KeyTextTransform("duration", "inputs"), models.IntegerField()),
                    ),
                ),
                output_field=models.IntegerField(null=True),
            ),
        ),
        migrations.AddField(
            model_name="generation",
            name="resolution",
            field=models.GeneratedField(
                db_persist=True,
                expression=KeyTextTransform("resolution", "inputs"),
                output_field=models.CharField(max_length=16, null=True),
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=SHOWN,
                fields=["account", "status", "created_at", "id"],
                name="generation_shown",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=SHOWN,
                fields=["account", "status", "length", "created_at", "id"],
                name="generation_by_length",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=SHOWN,
                fields=["account", "status", "resolution", "created_at", "id"],
                name="generation_by_resolution",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=SHOWN,
                fields=["account", "status", "api_key", "created_at", "id"],
                name="generation_by_key",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=SHOWN,
                fields=["account", "status", "user", "created_at", "id"],
                name="generation_by_member",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(
                    ("deleted_at", None),
                    ("hidden_at", None),
                    ("status__in", ["completed", "failed"]),
                    ("favourite", True),
                ),
                fields=["account", "status", "created_at", "id"],
                name="generation_favourites",
            ),
        ),
        migrations.RunSQL(
            FOUND, "DROP INDEX generation_words; ALTER TABLE generations_generation DROP words"
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(
                    ("status__in", ["created", "submitting", "in_doubt", "processing"])
                ),
                fields=["account", "created_at", "id"],
                name="generation_making",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("hidden_at__isnull", False)),
                fields=["hidden_at"],
                name="generation_hidden",
            ),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("deleted_at", None), ("hidden_at__isnull", False)),
                fields=["account", "hidden_at", "id"],
                name="generation_hidden_of",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.UniqueConstraint(
                condition=models.Q(("share_word", ""), _negated=True),
                fields=("share_word",),
                name="generation_share_word_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="generation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("hidden_at", None), ("status__in", ["completed", "failed"]), _connector="OR"
                ),
                name="generation_hidden_is_finished",
            ),
        ),
        migrations.RunPython(plan, cancel),
    ]
