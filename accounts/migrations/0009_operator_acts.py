"""What operators did: appended, never changed. PostgreSQL itself refuses UPDATE and DELETE."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

REFUSE = """
CREATE FUNCTION accounts_operator_act_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what an operator did is final: no % on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'operator_act_is_final';
END
$$;
CREATE TRIGGER operator_act_is_final BEFORE UPDATE OR DELETE ON accounts_operatoract
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_operator_act_is_final();
"""
ALLOW = """
DROP TRIGGER operator_act_is_final ON accounts_operatoract;
DROP FUNCTION accounts_operator_act_is_final();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_teams")]
    operations = [
        migrations.CreateModel(
            name="OperatorAct",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("what", models.CharField(max_length=60)),
                ("about_type", models.CharField(max_length=60)),
                ("about_id", models.CharField(max_length=64)),
                ("about_account", models.UUIDField(null=True, verbose_name="account")),
                ("reason", models.CharField(max_length=300)),
                ("before", models.JSONField(default=dict)),
                ("after", models.JSONField(default=dict)),
                (
                    "at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "permissions": [("stand_in", "Can sign in as a customer")],
                "indexes": [
                    models.Index(fields=["about_type", "about_id"], name="operator_act_about"),
                    models.Index(fields=["about_account", "-id"], name="operator_act_account"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="operator_act_has_reason",
                    )
                ],
            },
        ),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
