"""Find the transfers of the last hour; built without stopping who writes."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0011_test_books")]
    operations = [
        AddIndexConcurrently(
            "transfer",
            django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="transfer_created"
            ),
        )
    ]
