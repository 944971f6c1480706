"""`manage.py open_account EMAIL`: a confirmed account, its key and its balance, as JSON."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction

from accounts import keys
from accounts.models import Account
from accounts.opening import account_of, open_account
from billing import ledger, memos, money
from billing.models import LedgerAccount, Transfer


class Command(BaseCommand):
    help = "Opens a confirmed account and prints one JSON line: email, account, api_key, balance."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password")
        parser.add_argument("--credit", default="0", help="dollars, for example 25.00")
        parser.add_argument("--staff", action="store_true", help="may use the admin")

    def handle(
        self, *, email: str, password: str | None, credit: str, staff: bool, **_: Any
    ) -> None:
        try:
            validate_email(email)
            opened = _open(email, password, money.parse(credit), staff=staff)
        except ValidationError as refusal:
            raise CommandError(refusal.messages[0]) from refusal
        except (money.InvalidAmount, keys.TooManyKeys) as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(json.dumps(opened))


@transaction.atomic
def _open(email: str, password: str | None, credit_micros: int, *, staff: bool) -> dict[str, str]:
    user = open_account(email, password, staff=staff)
    account = account_of(user)
    key, secret = keys.issue(account, user, "open_account")
    if credit_micros:
        _grant(account, credit_micros, reference=f"open_account:{key.pk}")
    return {
        "email": user.email,
        "account": str(account.pk),
        "api_key": secret,
        "balance": money.decimal(ledger.book(account).available_micros),
    }


def _grant(account: Account, credit_micros: int, *, reference: str) -> None:
    ledger.deposit(
        account,
        credit_micros,
        source=LedgerAccount.Code.PROMOTIONS,
        kind=Transfer.Kind.PROMOTION,
        reference=reference,
        memo=memos.GRANTED,
    )
