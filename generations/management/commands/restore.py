"""`manage.py restore FOLDER`: bring a backup back into the empty database of DATABASE_URL."""

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import backup
from generations import proof, recovery


class Command(BaseCommand):
    help = "Restores a backup into an empty database and the storage; prints one JSON line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--stamp", default="", help="which; the newest when unset")
        parser.add_argument("--audit", action="store_true", help="prove the books afterwards")

    def handle(self, *, folder: Path, stamp: str, audit: bool, **_: Any) -> None:
        began = time.monotonic()
        try:
            chosen = backup.Backup.read(folder, stamp)
            files = backup.restore(folder, chosen)
        except backup.CannotRestore as refusal:
            raise CommandError(str(refusal)) from refusal
        found = {
            "stamp": chosen.stamp,
            "media_restored": files,
            **recovery.state(),
            "seconds": round(time.monotonic() - began, 1),
            **({"audit": proof.run()} if audit else {}),
        }
        self.stdout.write(json.dumps(found))
