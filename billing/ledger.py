"""The ledger: double entry, integers, append-only; the only writer of its three tables.

Every function is safe to call twice and from many places at once: a unique reference or a
conditional UPDATE decides who was first. Locks are taken hold first, then account, so two
callers never wait for each other crosswise.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, Sum, When, Window
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import paid_sum
from accounts.models import Account
from billing import memos, money
from billing.models import Grant, Hold, LedgerAccount, Transfer

Code = LedgerAccount.Code
Kind = Transfer.Kind

# Credit from these is money that reached us; promotions are not, and pay no debts.
MONEY = {Code.STRIPE, Code.DISPUTES}
# What moves here is of accounts in test mode; the database keeps it apart from everything else.
TEST = {Code.TEST_CREDIT, Code.TEST_REVENUE}
EXPIRIES_MAX = 1000

_RELEASE = """
WITH settled AS (
    UPDATE billing_hold SET state = 'released', settled_at = clock_timestamp()
    WHERE reference = %s AND state = 'held' RETURNING ledger_account_id, amount_micros
)
UPDATE billing_ledgeraccount SET held_micros = held_micros - amount_micros
FROM settled WHERE id = ledger_account_id
"""


class InsufficientCredit(Exception):
    """The account has less to spend than was asked for; nothing was held."""

    def __init__(self, price_micros: int, available_micros: int) -> None:
        self.price_micros = price_micros
        self.available_micros = available_micros
        self.missing_micros = price_micros - available_micros
        sentence = _(
            "This costs %(price)s and you have %(available)s to spend. Add at least %(missing)s of "
            "credit."
        )
        sums = {
            "price": price_micros,
            "available": available_micros,
            "missing": self.missing_micros,
        }
        super().__init__(sentence % {name: money.display(micros) for name, micros in sums.items()})


class AccountFrozen(Exception):
    """Spending is stopped while a dispute about this account's payments is open."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "Spending is paused because a payment of this account is disputed at its bank, or "
                "because our support looks into it. If that is a mistake, ask your bank to "
                "withdraw the dispute, or write to us. You were not charged."
            )
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

    Real money pays what the customer owes first. Returns False, and does nothing, when this
    kind and reference were booked before.
    """
    with transaction.atomic():
        credit = book(account)
        if not _transfer(_operator(source), credit, amount_micros, kind, reference, memo):
            return False
        _rows(credit).update(balance_micros=F("balance_micros") + amount_micros)
        if source in MONEY:
            paid_sum.count(account, amount_micros)
            _collect(credit, reference)
    return True


def grant(
    account: Account, amount_micros: int, *, expires_at: datetime, reference: str, memo: str
) -> bool:
    """Give promotional credit that ends one day; False when this reference was booked before."""
    with transaction.atomic():
        given = deposit(
            account,
            amount_micros,
            source=Code.PROMOTIONS,
            kind=Kind.PROMOTION,
            reference=reference,
            memo=memo,
        )
        if given:
            Grant.objects.create(
                account=account,
                amount_micros=amount_micros,
                remaining_micros=amount_micros,
                expires_at=expires_at,
                reference=reference,
            )
            _rows(book(account)).update(has_grants=True)
    return given


def expire_grants(now: datetime, limit: int = EXPIRIES_MAX) -> int:
    """Take back what is left of up to `limit` grants that have ended; return how many did.

    What running jobs hold is not taken: such a grant ends when they have settled.
    """
    ended = Grant.objects.filter(expires_at__lte=now, remaining_micros__gt=0)
    return sum(_expire(one) for one in ended.order_by("expires_at", "id")[:limit])


def claw_back(
    account: Account,
    amount_micros: int,
    *,
    to: Code,
    kind: Kind,
    reference: str,
    memo: str = "",
) -> bool:
    """Take credit back: first what can be spent, the rest is owed. Holds are never touched.

    Returns False, and does nothing, when this kind and reference were booked before.
    """
    with transaction.atomic():
        customer = _locked(account)
        # The lock makes the question safe: one claw-back of an account runs at a time.
        if Transfer.objects.filter(kind__in=[kind, Kind.RECEIVABLE], reference=reference).exists():
            return False
        taken = min(amount_micros, customer.available_micros)
        owed = amount_micros - taken
        if taken:
            _transfer(customer, _operator(to), taken, kind, reference, memo)
        if owed:
            receivables = _operator(Code.RECEIVABLES)
            _transfer(receivables, _operator(to), owed, Kind.RECEIVABLE, reference, memo)
        _rows(customer).update(
            balance_micros=F("balance_micros") - taken,
            receivable_micros=F("receivable_micros") + owed,
        )
        _end_grants_beyond(customer, customer.balance_micros - taken)
        if to in MONEY:
            paid_sum.count(account, -amount_micros)
    return True


def take(account: Account, amount_micros: int, *, reference: str, memo: str) -> bool:
    """Take back credit that was given by mistake; False when this reference was booked before.

    Raises InsufficientCredit when there is less to spend: nothing is owed because of it.
    """
    with transaction.atomic():
        customer = _locked(account)
        if Transfer.objects.filter(kind=Kind.CORRECTION, reference=reference).exists():
            return False
        if amount_micros > customer.available_micros:
            raise InsufficientCredit(amount_micros, customer.available_micros)
        promotions = _operator(Code.PROMOTIONS)
        _transfer(customer, promotions, amount_micros, Kind.CORRECTION, reference, memo)
        _rows(customer).update(balance_micros=F("balance_micros") - amount_micros)
        _end_grants_beyond(customer, customer.balance_micros - amount_micros)
    return True


def forgive(account: Account, amount_micros: int, *, reference: str, memo: str) -> bool:
    """Pay what a customer owes out of promotions; False when this reference was booked before.

    Raises ValueError when less is owed.
    """
    with transaction.atomic():
        customer = _locked(account)
        if Transfer.objects.filter(kind=Kind.PROMOTION, reference=reference).exists():
            return False
        if amount_micros > customer.receivable_micros:
            owed = money.display(customer.receivable_micros)
            raise ValueError(f"Only {owed} is owed.")
        promotions, receivables = _operator(Code.PROMOTIONS), _operator(Code.RECEIVABLES)
        _transfer(promotions, customer, amount_micros, Kind.PROMOTION, reference, memo)
        _transfer(customer, receivables, amount_micros, Kind.RECEIVABLE_PAID, reference, memo)
        _rows(customer).update(receivable_micros=F("receivable_micros") - amount_micros)
    return True


def booked(reference: str) -> bool:
    """Tell whether anything was ever booked under this reference."""
    return Transfer.objects.filter(reference=reference).exists()


def lock(account: Account) -> None:
    """Let nobody else move or freeze this account's credit until the transaction ends."""
    _locked(account)


def set_frozen(account: Account, *, frozen: bool) -> None:
    """Stop or allow new holds; running jobs go on either way."""
    _rows(book(account)).update(frozen=frozen)


def hold(account: Account, amount_micros: int, *, reference: str, memo: str = "") -> None:
    """Set credit aside for one job, which the reference names.

    Raises InsufficientCredit, AccountFrozen, and IntegrityError for a reference that was used
    before.
    """
    # One round trip: this is the statement that every request for a video waits for.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT outcome, available FROM billing_hold_credit(%s, %s, %s, %s)",
            [account.pk, amount_micros, reference, memo],
        )
        outcome, available_micros = cursor.fetchone()
    if outcome == "frozen":
        raise AccountFrozen
    if outcome == "short":
        raise InsufficientCredit(amount_micros, available_micros)


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
        if customer.has_grants:
            _use_grants(customer, amount)
        revenue = _operator(_revenue(customer))
        booked = _transfer(customer, revenue, amount, Kind.CAPTURE, reference, settled.memo)
        assert booked, "a hold is settled once, so its capture is booked once"
    return True


def release(reference: str) -> bool:
    """Give a hold back in full; False when it was settled before."""
    # Hold first, then account, and both in one round trip.
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, [reference])
        return bool(cursor.rowcount == 1)


def give_back(reference: str, amount_micros: int, memo: str) -> bool:
    """Return a part of what a job was charged, as credit that does not end; once a job.

    Raises Hold.DoesNotExist for a job that was not charged more than that.
    """
    charged = Hold.objects.filter(state=Hold.State.CAPTURED, amount_micros__gt=amount_micros)
    charged = charged.select_related("ledger_account__account")
    book = charged.get(reference=reference).ledger_account
    assert book.account is not None, "the operator's accounts hold nothing"
    kind, revenue = Kind.SHORTFALL, _revenue(book)
    return deposit(
        book.account, amount_micros, source=revenue, kind=kind, reference=reference, memo=memo
    )


def statement(account: Account) -> QuerySet[Transfer, Any]:
    """Return the customer's transfers, newest first.

    Each row carries `change_micros` (signed) and `running_micros` (the balance after it).
    """
    customer = book(account)
    change = Case(When(credit=customer, then=F("amount_micros")), default=-F("amount_micros"))
    return (
        Transfer.objects.filter(Q(debit=customer) | Q(credit=customer))
        .annotate(change_micros=change)
        .annotate(running_micros=Window(Sum("change_micros"), order_by=F("id").asc()))
        .order_by("-id")
    )


def _settle(reference: str, state: Hold.State) -> Hold | None:
    """Settle an open hold and return it, or None when somebody else has."""
    open_hold = Hold.objects.filter(reference=reference, state=Hold.State.HELD)
    if open_hold.update(state=state, settled_at=timezone.now()) != 1:
        return None
    return Hold.objects.select_related("ledger_account__account").get(reference=reference)


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


def _use_grants(customer: LedgerAccount, amount_micros: int) -> None:
    """Count a charge against the promotions first, the one that ends soonest before others."""
    left = amount_micros
    unused = Grant.objects.filter(account=customer.account, remaining_micros__gt=0)
    for one in unused.order_by("expires_at", "id").select_for_update():
        used = min(left, one.remaining_micros)
        one.remaining_micros -= used
        one.save(update_fields=["remaining_micros"])
        left -= used
        if not left:
            return
    _rows(customer).update(has_grants=False)


def _end_grants_beyond(customer: LedgerAccount, balance_micros: int) -> None:
    """Count as used what a claw-back took of the promotions: bought credit must never expire."""
    if customer.has_grants:
        unused = Grant.objects.filter(account=customer.account)
        excess = unused.aggregate(sum=Sum("remaining_micros"))["sum"] - balance_micros
        if excess > 0:
            _use_grants(customer, excess)


def _expire(ended: Grant) -> bool:
    with transaction.atomic():
        customer = _locked(ended.account)
        ended = Grant.objects.select_for_update().get(pk=ended.pk)
        taken = min(ended.remaining_micros, customer.available_micros)
        if customer.held_micros and taken < ended.remaining_micros:
            return False
        # A claw-back may have taken the rest already: then only the grant ends.
        Grant.objects.filter(pk=ended.pk).update(remaining_micros=0)
        if taken:
            promotions = _operator(Code.PROMOTIONS)
            _transfer(customer, promotions, taken, Kind.EXPIRY, ended.reference, memos.EXPIRED)
            _rows(customer).update(balance_micros=F("balance_micros") - taken)
    return True


def _collect(customer: LedgerAccount, reference: str) -> None:
    """Pay what the customer owes out of credit that has just come in."""
    locked = LedgerAccount.objects.select_for_update().get(pk=customer.pk)
    paid = min(locked.receivable_micros, locked.available_micros)
    if paid:
        receivables = _operator(Code.RECEIVABLES)
        _transfer(locked, receivables, paid, Kind.RECEIVABLE_PAID, reference, memos.OWED_PAID)
        _rows(locked).update(
            balance_micros=F("balance_micros") - paid,
            receivable_micros=F("receivable_micros") - paid,
        )
        _end_grants_beyond(locked, locked.balance_micros - paid)


def _locked(account: Account) -> LedgerAccount:
    return LedgerAccount.objects.select_for_update().get(pk=book(account).pk)


def _operator(code: Code) -> LedgerAccount:
    return LedgerAccount.objects.get_or_create(code=code)[0]


def _revenue(customer: LedgerAccount) -> Code:
    in_test_mode = customer.account is not None and customer.account.is_test
    return Code.TEST_REVENUE if in_test_mode else Code.REVENUE


def _rows(book: LedgerAccount) -> QuerySet[LedgerAccount]:
    return LedgerAccount.objects.filter(pk=book.pk)
