"""Prove that payments and the ledger agree: each row of one has its counterpart in the other.

The ledger's sums are proved by billing.sums; this one proves what they stand for. Call both inside
one REPEATABLE READ transaction, as `manage.py audit` does.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Concat

from accounts.models import Mode
from billing import clawbacks
from billing.models import (
    CreditOrder,
    Dispute,
    Freeze,
    Grant,
    LedgerAccount,
    Purchase,
    Refund,
    Transfer,
)

Code = LedgerAccount.Code
Kind = Transfer.Kind

FAULTS_MAX = 100
ORDER_START = "order:"

# Between whom money of each kind moves: from debit to credit. "customer" is any of them, "tester"
# any account in test mode.
CUSTOMER = "customer"
TESTER = "tester"
SIDES: dict[str, set[tuple[str, str]]] = {
    Kind.PURCHASE: {(Code.STRIPE, CUSTOMER)},
    Kind.PROMOTION: {(Code.PROMOTIONS, CUSTOMER)},
    Kind.CAPTURE: {(CUSTOMER, Code.REVENUE), (TESTER, Code.TEST_REVENUE)},
    Kind.BONUS: {(Code.PROMOTIONS, CUSTOMER)},
    Kind.BONUS_BACK: {(CUSTOMER, Code.PROMOTIONS)},
    Kind.REFUND: {(CUSTOMER, Code.STRIPE)},
    Kind.REFUND_FAILED: {(Code.STRIPE, CUSTOMER)},
    Kind.DISPUTE: {(CUSTOMER, Code.DISPUTES)},
    Kind.DISPUTE_WON: {(Code.DISPUTES, CUSTOMER)},
    Kind.RECEIVABLE: {
        (Code.RECEIVABLES, Code.STRIPE),
        (Code.RECEIVABLES, Code.DISPUTES),
        (Code.RECEIVABLES, Code.PROMOTIONS),
    },
    Kind.RECEIVABLE_PAID: {(CUSTOMER, Code.RECEIVABLES)},
    Kind.EXPIRY: {(CUSTOMER, Code.PROMOTIONS)},
    Kind.SHORTFALL: {(Code.REVENUE, CUSTOMER), (Code.TEST_REVENUE, TESTER)},
    Kind.TEST_CREDIT: {(Code.TEST_CREDIT, TESTER)},
    Kind.CORRECTION: {(CUSTOMER, Code.PROMOTIONS)},
}
TAKEN = {Kind.REFUND, Kind.DISPUTE, Kind.BONUS_BACK, Kind.RECEIVABLE}
RETURNED = {Kind.REFUND_FAILED, Kind.DISPUTE_WON, Kind.BONUS}

# What should have moved: by reference, the ledger account and the sum.
Movements = dict[str, tuple[int, int]]


def receivable_micros() -> int:
    """Return what all customers owe together."""
    owing = LedgerAccount.objects.filter(receivable_micros__gt=0)
    return owing.aggregate(sum=Sum("receivable_micros"))["sum"] or 0


def operator_micros() -> dict[str, int]:
    """Return the operator's accounts, summed from the transfers: what each took in, less out."""
    sums = dict.fromkeys(Code.values, 0)
    for side, sign in (("credit", 1), ("debit", -1)):
        moved = Transfer.objects.filter(**{f"{side}__account": None})
        for code, total in moved.values_list(f"{side}__code").annotate(sum=Sum("amount_micros")):
            sums[code] += sign * total
    return sums


def faults() -> list[str]:
    """Return a sentence for everything that has no counterpart; up to FAULTS_MAX of each kind."""
    kinds = (
        _wrong_sides(),
        _purchase_faults(),
        _bonus_faults(),
        _claw_back_faults(),
        _receivable_faults(),
        _freeze_faults(),
        _grant_faults(),
        _shortfall_faults(),
        _order_faults(),
    )
    return [fault for found in kinds for fault in _first(found)]


def _first(found: Iterable[str]) -> Iterator[str]:
    for count, fault in enumerate(found):
        if count == FAULTS_MAX:
            yield f"and more: {fault}"
            return
        yield fault


def _wrong_sides() -> Iterator[str]:
    """Debits equal credits by construction; here each kind moves between its own accounts."""
    named = Transfer.objects.order_by().annotate(source=_side("debit"), target=_side("credit"))
    for kind, source, target in named.values_list("kind", "source", "target").distinct():
        if (source, target) not in SIDES.get(kind, set()):
            yield f"transfers of kind {kind} go from {source} to {target}"


def _side(side: str) -> Combinable:
    in_test_mode = When(**{f"{side}__account__mode": Mode.TEST}, then=Value(TESTER))
    return Coalesce(f"{side}__code", Case(in_test_mode, default=Value(CUSTOMER)))


def _purchase_faults() -> Iterator[str]:
    paid = Purchase.objects.filter(status=Purchase.Status.PAID)
    booked = Transfer.objects.filter(kind=Kind.PURCHASE)
    yield from _unequal(_expected(paid, "amount_micros"), _booked(booked), "purchase")


def _bonus_faults() -> Iterator[str]:
    paid = Purchase.objects.filter(status=Purchase.Status.PAID, bonus_micros__gt=0)
    booked = Transfer.objects.filter(kind=Kind.BONUS, reference__startswith="purchase:")
    yield from _unequal(_expected(paid, "bonus_micros"), _booked(booked), "bonus")


Rows = QuerySet[Purchase, tuple[str, int, int]] | QuerySet[Transfer, tuple[str, int, int]]


def _expected(paid: QuerySet[Purchase], sums: str) -> Rows:
    reference = Concat(Value("purchase:"), "payment_intent")
    return paid.annotate(reference=reference).values_list(
        "reference", F(sums), "account__ledger_account"
    )


def _booked(transfers: QuerySet[Transfer]) -> Rows:
    return transfers.values_list("reference", F("amount_micros"), F("credit"))


def _unequal(expected: Rows, booked: Rows, name: str) -> Iterator[str]:
    for reference, sums, _ in expected.difference(booked)[: FAULTS_MAX + 1]:
        yield f"{name} {reference}: paid, but {sums} was not booked for its account"
    for reference, sums, _ in booked.difference(expected)[: FAULTS_MAX + 1]:
        yield f"{name} {reference}: {sums} booked without its paid purchase"


def _claw_back_faults() -> Iterator[str]:
    taken, returned = _sums(TAKEN), _sums(RETURNED)
    must, may = _claw_backs()
    for reference, (_, sums) in must.items():
        if taken.get(reference, 0) != sums:
            yield f"{reference}: {taken.get(reference, 0)} taken back, not {sums}"
        if returned.get(reference):
            yield f"{reference}: {returned[reference]} given back, though it was not undone"
    for reference, (_, sums) in may.items():
        moved = (taken.get(reference, 0), returned.get(reference, 0))
        if moved not in {(0, 0), (sums, sums)}:
            yield f"{reference}: failed, but {moved[0]} was taken and {moved[1]} given back"
    yield from _returned_faults(returned)
    for reference in (taken.keys() | returned.keys()) - must.keys() - may.keys() - _won().keys():
        yield f"{reference}: booked without its refund or dispute"


def _returned_faults(returned: dict[str, int]) -> Iterator[str]:
    for reference, (_, sums) in _won().items():
        if returned.get(reference, 0) != sums:
            yield f"{reference}: {returned.get(reference, 0)} given back, not {sums}"


def _claw_backs() -> tuple[Movements, Movements]:
    """Return what was taken back and stays so, and what may have been, before it failed."""
    must: Movements = {}
    may: Movements = {}
    for refund in Refund.objects.select_related("purchase__account__ledger_account"):
        failed = refund.status in clawbacks.REFUND_ENDED_BADLY
        (may if failed else must).update(_movements(f"refund:{refund.pk}", refund))
    for dispute in _disputes().filter(money_out=True):
        must |= _movements(f"dispute:{dispute.pk}:out", dispute)
    return must, may


def _won() -> Movements:
    won: Movements = {}
    for dispute in _disputes().filter(money_in=True):
        won |= _movements(f"dispute:{dispute.pk}:in", dispute)
    return won


def _disputes() -> QuerySet[Dispute]:
    return Dispute.objects.select_related("purchase__account__ledger_account")


def _movements(reference: str, row: Refund | Dispute) -> Movements:
    book = row.purchase.account.ledger_account.pk
    moved = {reference: (book, row.amount_micros)}
    if row.bonus_micros:
        moved[f"{reference}:bonus"] = (book, row.bonus_micros)
    return moved


def _sums(kinds: set[Kind]) -> dict[str, int]:
    # A purchase's own bonus is no claw-back.
    booked = Transfer.objects.filter(kind__in=kinds).exclude(reference__startswith="purchase:")
    return dict(booked.order_by().values_list("reference").annotate(total=Sum("amount_micros")))


def _receivable_faults() -> Iterator[str]:
    """Compare what each customer owes with what claw-backs could not take, less what was paid."""
    must, may = _claw_backs()
    owner = {reference: book for reference, (book, _) in (must | may).items()}
    owed: dict[int | None, int] = defaultdict(int)
    for reference, sums in _sums({Kind.RECEIVABLE}).items():
        owed[owner.get(reference)] += sums
    paid = Transfer.objects.filter(kind=Kind.RECEIVABLE_PAID).order_by().values_list("debit")
    for book, sums in paid.annotate(total=Sum("amount_micros")):
        owed[book] -= sums
    rows = LedgerAccount.objects.filter(
        Q(receivable_micros__gt=0) | Q(pk__in=[*filter(None, owed)])
    )
    for row in rows.order_by("id"):
        if row.receivable_micros != owed[row.pk]:
            yield f"account {row.pk}: owes {row.receivable_micros}, transfers say {owed[row.pk]}"


def _freeze_faults() -> Iterator[str]:
    open_disputes = Dispute.objects.exclude(status__in=clawbacks.DISPUTE_HARMLESS)
    disputed = open_disputes.values("purchase__account")
    stopped = Freeze.objects.values("account")
    must_be = Q(account__in=disputed) | Q(account__in=stopped)
    customers = LedgerAccount.objects.filter(code=None).order_by("id")
    for row in customers.filter(~must_be, frozen=True)[: FAULTS_MAX + 1]:
        yield f"account {row.pk}: frozen without an open dispute, and by no operator"
    for row in customers.filter(must_be, frozen=False)[: FAULTS_MAX + 1]:
        yield f"account {row.pk}: not frozen, though a dispute is open or an operator stopped it"


def _grant_faults() -> Iterator[str]:
    """Unused promotions are a part of the balance, or bought credit would expire in their place."""
    unused = Grant.objects.filter(remaining_micros__gt=0).order_by()
    remaining = unused.values_list("account__ledger_account").annotate(
        left=Sum("remaining_micros"),
        balance=F("account__ledger_account__balance_micros"),
        marked=F("account__ledger_account__has_grants"),
    )
    for book, left, balance, marked in remaining:
        if left > balance:
            yield f"account {book}: promotions of {left} left, more than its balance {balance}"
        if not marked:
            yield f"account {book}: has promotions left, but is marked to have none"


def _shortfall_faults() -> Iterator[str]:
    """What came back of a job's price is less than it was charged, and went to who paid it."""
    charge = Transfer.objects.filter(
        kind=Kind.CAPTURE,
        reference=OuterRef("reference"),
        debit=OuterRef("credit"),
        amount_micros__gt=OuterRef("amount_micros"),
    )
    unpaid = Transfer.objects.filter(~Exists(charge), kind=Kind.SHORTFALL)
    rows = unpaid.order_by("id").values_list("reference", "amount_micros")
    for reference, sums in rows[: FAULTS_MAX + 1]:
        yield f"shortfall {reference}: {sums} given back, though no more was charged"


def _order_faults() -> Iterator[str]:
    """Operators' orders that are done, beside what was booked for them, both ways."""
    forgiven = Q(sort=CreditOrder.Sort.FORGIVE)
    grants = _ordered(Q(sort=CreditOrder.Sort.GRANT) | forgiven, Kind.PROMOTION, "credit")
    takes = _ordered(Q(sort=CreditOrder.Sort.TAKE), Kind.CORRECTION, "debit")
    debts = _ordered(forgiven, Kind.RECEIVABLE_PAID, "debit")
    for kind, (ordered, booked) in {"given": grants, "taken": takes, "forgiven": debts}.items():
        for reference, sums, _ in sorted(ordered ^ booked)[: FAULTS_MAX + 1]:
            yield f"{reference}: {sums} {kind} and ordered are not the same"


def _ordered(
    sorts: Q, kind: Kind, side: str
) -> tuple[set[tuple[str, int, int]], set[tuple[str, int, int]]]:
    """Return what was ordered, and what was booked for orders: reference, sum, ledger account."""
    done = CreditOrder.objects.filter(sorts, state=CreditOrder.State.DONE)
    rows = done.values_list("pk", "amount_micros", "account__ledger_account")
    booked = Transfer.objects.filter(kind=kind, reference__startswith=ORDER_START)
    return (
        {(f"{ORDER_START}{key}", sums, book) for key, sums, book in rows},
        set(booked.values_list("reference", "amount_micros", side)),
    )
