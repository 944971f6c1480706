"""Accounts in test mode, one beside each live one; a key is of its account's mode, and no other."""

import django.db.models.deletion
from django.db import migrations, models

AGREE = """
-- Such keys were never handed out: they would have spent real credit.
UPDATE accounts_apikey SET mode = 'live', revoked_at = coalesce(revoked_at, now())
WHERE mode = 'test';
ALTER TABLE accounts_account ADD CONSTRAINT account_mode_to_refer_to UNIQUE (id, mode);
ALTER TABLE accounts_apikey ADD CONSTRAINT api_key_mode_of_its_account
    FOREIGN KEY (account_id, mode) REFERENCES accounts_account (id, mode)
    DEFERRABLE INITIALLY IMMEDIATE;
"""
DIFFER = """
ALTER TABLE accounts_apikey DROP CONSTRAINT api_key_mode_of_its_account;
ALTER TABLE accounts_account DROP CONSTRAINT account_mode_to_refer_to;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_count_requests")]
    operations = [
        migrations.AddField(
            model_name="account",
            name="live",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="twin",
                to="accounts.account",
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="mode",
            field=models.CharField(
                choices=[("live", "live"), ("test", "test")],
                db_default="live",
                default="live",
                editable=False,
                max_length=4,
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("live", None), ("mode", "live")),
                    models.Q(("live__isnull", False), ("mode", "test")),
                    _connector="OR",
                ),
                name="account_twin_is_in_test_mode",
            ),
        ),
        migrations.RunSQL(AGREE, DIFFER),
    ]
