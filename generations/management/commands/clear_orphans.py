"""`manage.py clear_orphans`: remove films' files that no job names; the daily task does it too."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from generations import disposal


class Command(BaseCommand):
    help = "Removes files below films/ that no job names and that are older than a day."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only name them")

    def handle(self, *, dry_run: bool, **_: Any) -> None:
        if dry_run:
            for name in disposal.orphans(timezone.now()):
                self.stdout.write(name)
        else:
            self.stdout.write(f"{disposal.sweep()} orphaned files found and removed.")
