"""`manage.py reconcile_stripe`: Stripe's books beside ours, a line for every difference."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from billing import reconciliation


class Command(BaseCommand):
    help = (
        "Compares payments, refunds, disputes and movements of money with Stripe, both ways; "
        "prints every difference and a JSON line, exit 1 when there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        days = reconciliation.DAYS
        parser.add_argument("--since", help=f"ISO date or time, UTC; default {days} days ago")

    def handle(self, *, since: str | None, **_: Any) -> None:
        start = _moment(since) if since else timezone.now() - timedelta(days=reconciliation.DAYS)
        try:
            report = reconciliation.reconcile(start)
        except stripe.StripeError as error:
            raise CommandError(f"Stripe could not be asked: {error}", returncode=2) from error
        for difference in report.differences:
            self.stdout.write(difference)
        summary = {
            "ok": not report.differences,
            "since": start.isoformat(),
            "payments": report.payments,
            "refunds": report.refunds,
            "disputes": report.disputes,
            "movements": report.movements,
            "differences": len(report.differences),
        }
        self.stdout.write(json.dumps(summary))
        if report.differences:
            sys.exit(1)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--since takes a date such as 2026-11-20, not {text!r}.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
