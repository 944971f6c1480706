"""Credit that operators give, take or forgive: each with a reason, a large sum by two of them.

The sum that counts is what one operator moved alone of an account within a day, so that a large
sum in small parts needs the second person too.
"""

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from accounts import acts, twins
from accounts.models import Account, User
from billing import ledger, memos, money
from billing.models import CreditOrder, LedgerAccount, Transfer

Sort = CreditOrder.Sort
State = CreditOrder.State

DAY = timedelta(days=1)
MEMOS = {
    Sort.GRANT: memos.GIVEN,
    Sort.TAKE: memos.CORRECTED,
    Sort.FORGIVE: memos.FORGIVEN,
}


class OrderRefused(ValueError):
    """The order was not given, confirmed or refused; the sentence says why."""


def order(
    account: Account, sort: Sort, amount_micros: int, reason: str, by: User, key: uuid.UUID
) -> CreditOrder:
    """Order it, and carry it out at once unless the sum needs a second person.

    An order with the same `key` is given once. Raises OrderRefused and twins.LiveOnly.
    """
    twins.require_live(account)
    if amount_micros <= 0:
        raise OrderRefused("Write a sum above zero.")
    with transaction.atomic():
        # One order of an account at a time: each sees what was ordered before it.
        ledger.lock(account)
        known = CreditOrder.objects.filter(pk=key).first()
        if known is not None:
            return known
        small = amount_micros + _ordered_today(account, by) <= limit_micros()
        made = CreditOrder.objects.create(
            pk=key, account=account, sort=sort, amount_micros=amount_micros, reason=reason, by=by
        )
        facts = {"sort": sort.value, "sum": money.decimal(amount_micros)}
        acts.note(by, "ordered credit", made, reason, account=account.pk, after=facts)
        if small:
            _carry_out(made, None, by, reason)
    return made


def confirm(made: CreditOrder, reason: str, by: User) -> None:
    """Carry out what another operator has ordered. Raises OrderRefused."""
    if made.by_id == by.pk:
        raise OrderRefused("You ordered this yourself. Somebody else has to confirm it.")
    with transaction.atomic():
        ledger.lock(made.account)
        _carry_out(made, by, by, reason)


def refuse(made: CreditOrder, reason: str, by: User) -> None:
    """End an order that waits, one's own or another's. Raises OrderRefused."""
    with transaction.atomic():
        _decide(made, State.REFUSED, by)
        acts.note(by, "refused a credit order", made, reason, account=made.account_id)


def limit_micros() -> int:
    """Return what one operator may order for an account in a day without a second person."""
    return int(settings.OPERATOR_CREDIT_DOLLARS) * money.MICROS_PER_DOLLAR


def _ordered_today(account: Account, by: User) -> int:
    alone = CreditOrder.objects.filter(
        account=account,
        by=by,
        created_at__gt=timezone.now() - DAY,
        decided_by=None,
        state=State.DONE,
    )
    return alone.aggregate(sum=Sum("amount_micros"))["sum"] or 0


def _carry_out(made: CreditOrder, second: User | None, by: User, reason: str) -> None:
    _decide(made, State.DONE, second)
    before = _standing(made.account)
    try:
        _book(made)
    except (ledger.InsufficientCredit, ValueError) as refusal:
        raise OrderRefused(_why_not(refusal)) from refusal
    what = {Sort.GRANT: "gave credit", Sort.TAKE: "took credit", Sort.FORGIVE: "forgave a debt"}
    acts.note(
        by,
        what[Sort(made.sort)],
        made.account,
        reason,
        account=made.account_id,
        before=before,
        after=_standing(made.account),
    )


def _decide(made: CreditOrder, state: State, by: User | None) -> None:
    waiting = CreditOrder.objects.filter(pk=made.pk, state=State.OPEN)
    if waiting.update(state=state, decided_by=by, decided_at=timezone.now()) != 1:
        raise OrderRefused("This order was decided before.")
    made.refresh_from_db()


def _book(made: CreditOrder) -> None:
    reference, memo = f"order:{made.pk}", MEMOS[Sort(made.sort)]
    match made.sort:
        case Sort.GRANT:
            ledger.deposit(
                made.account,
                made.amount_micros,
                source=LedgerAccount.Code.PROMOTIONS,
                kind=Transfer.Kind.PROMOTION,
                reference=reference,
                memo=memo,
            )
        case Sort.TAKE:
            ledger.take(made.account, made.amount_micros, reference=reference, memo=memo)
        case Sort.FORGIVE:
            ledger.forgive(made.account, made.amount_micros, reference=reference, memo=memo)


def _why_not(refusal: Exception) -> str:
    if isinstance(refusal, ledger.InsufficientCredit):
        left = money.display(refusal.available_micros)
        return f"Only {left} can be taken: the rest is spent, or held for running jobs."
    return str(refusal)


def _standing(account: Account) -> dict[str, Any]:
    book = ledger.book(account)
    return {
        "balance": money.decimal(book.balance_micros),
        "owed": money.decimal(book.receivable_micros),
    }
