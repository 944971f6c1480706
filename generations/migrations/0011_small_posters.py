"""A film's poster is also kept small, for the cards that show it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generations", "0010_closing")]
    operations = [
        migrations.AddField(
            "generation",
            "poster_small",
            models.CharField(max_length=200, blank=True, default="", db_default=""),
        )
    ]
