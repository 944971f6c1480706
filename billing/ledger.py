"""The ledger: double entry, integers, append-only; the only writer of its three tables.

Every function is safe to call twice and from many places at once: a unique reference or a
conditional UPDATE decides who was first. Locks are taken hold first, then account, so two
callers never wait for each other crosswise.
"""

from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When, Window
from django.utils import timezone

from accounts.models import Account
from billing import money
from billing.models import Hold, LedgerAccount, Transfer

Code = LedgerAccount.Code
Kind = Transfer.Kind


class InsufficientCredit(Exception):
    """The account has less to spend than was asked for; nothing was held."""

    def __init__(self, price_micros: int, available_micros: int) -> None:
        self.price_micros = price_micros
        self.available_micros = available_micros
        self.missing_micros = price_micros - available_micros
        super().__init__(
            f"This costs {money.display(price_micros)} and you have "
            f"{money.display(available_micros)} to spend. "
            f"Add at least {money.display(self.missing_micros)} of credit."
        )


def book(account: Account) -> LedgerAccount:
    """Return the customer's ledger account, opening it on first use."""
    return LedgerAccount.objects.get_or_create(account=account)[0]


def deposit(
    account: Account,
    amount_micros: int,
    *,
    source: Code,
    kind: Kind,
    reference: str,
    memo: str = "",
) -> bool:
    """Give the customer credit out of one of the operator's accounts.

    Returns False, and does nothing, when this kind and reference were booked before.
    """
    with transaction.atomic():
        credit = book(account)
        if not _transfer(_operator(source), credit, amount_micros, kind, reference, memo):
            return False
        _rows(credit).update(balance_micros=F("balance_micros") + amount_micros)
    return True


def hold(account: Account, amount_micros: int, *, reference: str, memo: str = "") -> Hold:
    """Set credit aside for one job, which the reference names.

    Raises InsufficientCredit, and IntegrityError for a reference that was used before.
    """
    with transaction.atomic():
        customer = book(account)
        enough = Q(balance_micros__gte=F("held_micros") + amount_micros)
        held = F("held_micros") + amount_micros
        if _rows(customer).filter(enough).update(held_micros=held) != 1:
            customer.refresh_from_db()
            raise InsufficientCredit(amount_micros, customer.available_micros)
        return Hold.objects.create(
            ledger_account=customer, amount_micros=amount_micros, reference=reference, memo=memo
        )


def capture(reference: str) -> bool:
    """Turn a hold into revenue; False when it was settled before."""
    with transaction.atomic():
        settled = _settle(reference, Hold.State.CAPTURED)
        if settled is None:
            return False
        amount = settled.amount_micros
        customer = settled.ledger_account
        _rows(customer).update(
            held_micros=F("held_micros") - amount, balance_micros=F("balance_micros") - amount
        )
        revenue = _operator(Code.REVENUE)
        booked = _transfer(customer, revenue, amount, Kind.CAPTURE, reference, settled.memo)
        assert booked, "a hold is settled once, so its capture is booked once"
    return True


def release(reference: str) -> bool:
    """Give a hold back in full; False when it was settled before."""
    with transaction.atomic():
        settled = _settle(reference, Hold.State.RELEASED)
        if settled is None:
            return False
        held = F("held_micros") - settled.amount_micros
        _rows(settled.ledger_account).update(held_micros=held)
    return True


def statement(account: Account) -> QuerySet[Transfer, Any]:
    """Return the customer's transfers, newest first.

    Each row carries `change_micros` (signed) and `running_micros` (the balance after it).
    """
    customer = book(account)
    change = Case(
        When(credit=customer, then=F("amount_micros")),
        default=-F("amount_micros"),
        output_field=BigIntegerField(),
    )
    return (
        Transfer.objects.filter(Q(debit=customer) | Q(credit=customer))
        .annotate(change_micros=change)
        .annotate(running_micros=Window(Sum("change_micros"), order_by=F("id").asc()))
        .order_by("-id")
    )


@dataclass(frozen=True)
class Audit:
    """What the audit counted, and what did not add up (a sentence each)."""

    transfers: int
    customers: int
    balance_micros: int
    held_micros: int
    faults: list[str]


def audit() -> Audit:
    """Prove that every balance is the sum of its transfers and every held sum of its holds.

    Work goes on while we count: call it inside one REPEATABLE READ transaction.
    """
    customers = list(LedgerAccount.objects.filter(code=None).order_by("id"))
    return Audit(
        transfers=Transfer.objects.count(),
        customers=len(customers),
        balance_micros=sum(customer.balance_micros for customer in customers),
        held_micros=sum(customer.held_micros for customer in customers),
        faults=[*_balance_faults(customers), *_settlement_faults()],
    )


def _balance_faults(customers: list[LedgerAccount]) -> list[str]:
    credited = _sums(Transfer.objects.all(), "credit")
    debited = _sums(Transfer.objects.all(), "debit")
    holds = _sums(Hold.objects.filter(state=Hold.State.HELD), "ledger_account")
    faults = []
    for row in customers:
        booked = credited.get(row.pk, 0) - debited.get(row.pk, 0)
        held = holds.get(row.pk, 0)
        if row.balance_micros != booked:
            faults.append(f"account {row.pk}: balance {row.balance_micros}, transfers {booked}")
        if row.held_micros != held:
            faults.append(f"account {row.pk}: held {row.held_micros}, open holds {held}")
    return faults


def _settlement_faults() -> list[str]:
    """Compare captured holds with capture transfers, both ways."""
    captured = Hold.objects.filter(state=Hold.State.CAPTURED)
    transfers = Transfer.objects.filter(kind=Kind.CAPTURE)
    fields = ("reference", "amount_micros")
    unbooked = captured.values_list(*fields).difference(transfers.values_list(*fields))
    unheld = transfers.values_list(*fields).difference(captured.values_list(*fields))
    return [
        *(
            f"hold {reference}: captured, but {amount} was not booked"
            for reference, amount in unbooked
        ),
        *(f"capture {reference}: {amount} booked without its hold" for reference, amount in unheld),
    ]


def _sums(rows: QuerySet[Any], side: str) -> dict[int, int]:
    return dict(rows.values_list(side).annotate(total=Sum("amount_micros")))


def _settle(reference: str, state: Hold.State) -> Hold | None:
    """Settle an open hold and return it, or None when somebody else has."""
    open_hold = Hold.objects.filter(reference=reference, state=Hold.State.HELD)
    if open_hold.update(state=state, settled_at=timezone.now()) != 1:
        return None
    return Hold.objects.select_related("ledger_account").get(reference=reference)


def _transfer(
    debit: LedgerAccount,
    credit: LedgerAccount,
    amount_micros: int,
    kind: Kind,
    reference: str,
    memo: str,
) -> bool:
    # The ORM cannot say whether ON CONFLICT kept the row out, and that is the point here.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO billing_transfer
                (debit_id, credit_id, amount_micros, kind, reference, memo, created_at)
            VALUES (%s, %s, %s, %s, %s, %s, now())
            ON CONFLICT ON CONSTRAINT transfer_once DO NOTHING
            """,
            [debit.pk, credit.pk, amount_micros, kind, reference, memo],
        )
        return bool(cursor.rowcount == 1)


def _operator(code: Code) -> LedgerAccount:
    return LedgerAccount.objects.get_or_create(code=code)[0]


def _rows(book: LedgerAccount) -> QuerySet[LedgerAccount]:
    return LedgerAccount.objects.filter(pk=book.pk)
