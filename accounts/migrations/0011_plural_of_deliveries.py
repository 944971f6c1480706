"""The admin calls them webhook deliveries; the database is not touched."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_counts_by_their_index")]
    operations = [
        migrations.AlterModelOptions(
            "webhookdelivery", options={"verbose_name_plural": "webhook deliveries"}
        )
    ]
