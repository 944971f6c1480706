"""`manage.py forget`: remove what has been kept long enough; the daily task does it too."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from generations import retention


class Command(BaseCommand):
    help = "Removes what the rules of generations/retention.py say is too old."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *, dry_run: bool, **_: Any) -> None:
        if dry_run:
            now = timezone.now()
            for rule in retention.RULES:
                number = rule.old(now).count()
                self.stdout.write(f"{number} {rule.what}, older than {rule.days} days")
        else:
            self.stdout.write(f"Removed: {retention.forget()}.")
