"""`manage.py audit`: prove ledger and jobs; one JSON line, exit 1 when something is wrong."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand

from generations import proof


class Command(BaseCommand):
    help = "Proves that ledger and jobs add up; prints one JSON line, exit 1 when they do not."

    def handle(self, **_: Any) -> None:
        found = proof.run()
        self.stdout.write(json.dumps(found))
        if found["faults"]:
            sys.exit(1)
