"""`manage.py drill`: prove that a backup can be restored; exit 1 when it cannot."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from generations import recovery


class Command(BaseCommand):
    help = "Backs up, restores into a fresh database, audits that and removes it; one JSON line."

    def handle(self, **_: Any) -> None:
        found = recovery.drill()
        self.stdout.write(json.dumps(found))
        if not found["ok"]:
            sys.exit(1)
