"""`manage.py backup FOLDER`: copy database and media there while the site goes on."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import backup

KEEP_DAYS = 30


class Command(BaseCommand):
    help = "Copies database and media into a folder; prints one JSON line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="on another disk, better on another machine")
        parser.add_argument(
            "--keep-days", type=int, default=KEEP_DAYS, help="older backups are removed"
        )

    def handle(self, *, folder: Path, keep_days: int, **_: Any) -> None:
        began = time.monotonic()
        taken = backup.take(folder)
        removed = backup.prune(folder, keep_days)
        seconds = round(time.monotonic() - began, 1)
        self.stdout.write(json.dumps({**asdict(taken), "removed": removed, "seconds": seconds}))
