"""An account's requests are summed by their index: on few rows PostgreSQL would read them all."""

from django.db import migrations

COUNT = "ALTER FUNCTION accounts_count_request(bigint, uuid, bigint)"


class Migration(migrations.Migration):
    zero_downtime = "The function answers as before, and is locked for a moment alone."
    dependencies = [("accounts", "0009_operator_acts")]
    operations = [
        migrations.RunSQL(f"{COUNT} SET enable_seqscan = off", f"{COUNT} RESET enable_seqscan")
    ]
