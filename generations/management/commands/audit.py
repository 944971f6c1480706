"""`manage.py audit`: prove ledger and jobs; one JSON line, exit 1 when something is wrong."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from billing import audit as payments
from billing import ledger, money
from generations import audit


class Command(BaseCommand):
    help = "Proves that ledger and jobs add up; prints one JSON line, exit 1 when they do not."

    def handle(self, **_: Any) -> None:
        with transaction.atomic():
            if not connection.savepoint_ids:
                # One snapshot for every question, while work goes on.
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            books = ledger.audit()
            faults = books.faults + payments.faults() + audit.faults()
            owed, operator = payments.receivable_micros(), payments.operator_micros()
        found = {
            "ok": not faults,
            "transfers": books.transfers,
            "customers": books.customers,
            "balance": money.decimal(books.balance_micros),
            "held": money.decimal(books.held_micros),
            "receivable": money.decimal(owed),
            "operator": {code: money.decimal(micros) for code, micros in operator.items()},
            "faults": faults,
        }
        self.stdout.write(json.dumps(found))
        if faults:
            sys.exit(1)
