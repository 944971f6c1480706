"""Money that goes back: refunds and disputes, followed as Stripe tells them.

Events come in any order and more than once, so nothing here reacts to what an event says: each
reads the refund or dispute as it stands and moves our row forward, never back. What the row
then says decides the transfers, and their unique references let each happen once.
"""

import uuid
from collections.abc import Callable, Iterable

import stripe

from accounts.models import Account
from billing import checkout, gateway, ledger, memos, notices, topup_rule
from billing.models import (
    Dispute,
    Freeze,
    LedgerAccount,
    Purchase,
    Refund,
    RefundOrder,
    Transfer,
)

Code = LedgerAccount.Code
Kind = Transfer.Kind

REFUND_ENDED_BADLY = {"failed", "canceled"}
REFUND_RANK = {"pending": 0, "requires_action": 0, "succeeded": 1, "failed": 2, "canceled": 2}
DISPUTE_ENDED = {"won", "lost", "warning_closed", "prevented"}
# An inquiry has moved no money, and these ended well. Anything else, known or not, stays frozen.
DISPUTE_HARMLESS = {
    "won",
    "warning_closed",
    "warning_needs_response",
    "warning_under_review",
    "prevented",
}
# Under this name a refund's metadata says which order of ours it carries out.
ORDER = "refund_order"


def following_refund(refund: stripe.Refund) -> Callable[[], None]:
    """Return what to do about a refund as it stands. Raises what checkout.settling raises."""
    settle = _settling(gateway.id_of(refund.payment_intent))

    def effect() -> None:
        purchase = settle()
        if purchase is not None:
            _follow_refund(purchase, refund)

    return effect


def following_refunds(refunds: Iterable[stripe.Refund]) -> Callable[[], None]:
    """Return what to do about several refunds. Raises what checkout.settling raises."""
    effects = [following_refund(one) for one in refunds]

    def effect() -> None:
        for follow in effects:
            follow()

    return effect


def warning(suspicion: stripe.radar.EarlyFraudWarning) -> Callable[[], None]:
    """Return what tells the operator that a card network suspects fraud."""
    payment = gateway.id_of(suspicion.payment_intent)

    def effect() -> None:
        purchase = Purchase.objects.filter(payment_intent=payment).first() if payment else None
        whose = f"of {purchase.account}, purchase {purchase.pk}" if purchase else "not one of ours"
        notices.tell_operator(
            f"Early fraud warning {suspicion.id}",
            f"Payment {payment} ({whose}) is suspected: {suspicion.fraud_type}. "
            "Refunding it in time avoids a dispute.",
        )

    return effect


def following_dispute(dispute: stripe.Dispute) -> Callable[[], None]:
    """Return what to do about a dispute as it stands. Raises what checkout.settling raises."""
    settle = _settling(gateway.id_of(dispute.payment_intent))

    def effect() -> None:
        purchase = settle()
        if purchase is not None:
            _follow_dispute(purchase, dispute)

    return effect


def _settling(payment: str) -> Callable[[], Purchase | None]:
    # A charge made without a payment intent is none of ours.
    return checkout.settling(payment) if payment else lambda: None


def _follow_refund(purchase: Purchase, told: stripe.Refund) -> None:
    status = told.status or "pending"
    # Before the ledger is touched: checkout.credit tells the order of locks.
    topup_rule.lock(purchase.account)
    refund, new = Refund.objects.get_or_create(
        pk=told.id,
        defaults={"purchase": purchase, "status": status, **_shares(purchase, told.amount)},
    )
    if REFUND_RANK.get(status, 0) > REFUND_RANK.get(refund.status, 0):
        refund.status = status
        refund.save(update_fields=["status"])
    if new:
        topup_rule.stop_after_refund(purchase.account)
    _finish_order(told, refund)
    reference = f"refund:{refund.pk}"
    if refund.status not in REFUND_ENDED_BADLY:
        _take(purchase.account, refund, Code.STRIPE, Kind.REFUND, reference, memos.REFUND)
    elif ledger.booked(reference):
        memo = memos.REFUND_FAILED
        _return(purchase.account, refund, Code.STRIPE, Kind.REFUND_FAILED, reference, memo)


def _finish_order(told: stripe.Refund, refund: Refund) -> None:
    """Note on the operator's order, if there is one, that Stripe has carried it out."""
    try:
        order = uuid.UUID(gateway.word_of(told.metadata, ORDER))
    except ValueError:
        return
    RefundOrder.objects.filter(
        pk=order, purchase=refund.purchase, state=RefundOrder.State.OPEN
    ).update(state=RefundOrder.State.DONE, refund=refund, told="")


def _follow_dispute(purchase: Purchase, told: stripe.Dispute) -> None:
    dispute, new = Dispute.objects.get_or_create(
        pk=told.id,
        defaults={
            "purchase": purchase,
            "status": told.status,
            "reason": told.reason,
            **_shares(purchase, told.amount),
        },
    )
    if _rank(dispute.status) <= _rank(told.status) and dispute.status not in DISPUTE_ENDED:
        dispute.status = told.status
    movements = [movement.amount for movement in told.balance_transactions]
    dispute.money_out |= any(amount < 0 for amount in movements)
    dispute.money_in |= any(amount > 0 for amount in movements)
    dispute.save(update_fields=["status", "money_out", "money_in"])
    _move_disputed_money(purchase.account, dispute)
    freeze_or_thaw(purchase.account)
    if new:
        notices.tell_operator(
            f"Dispute {dispute.pk} of {purchase.account}",
            f"Status {dispute.status}, reason {dispute.reason}. Answer it in Stripe's dashboard.",
        )


def _move_disputed_money(account: Account, dispute: Dispute) -> None:
    if dispute.money_out:
        reference, memo = f"dispute:{dispute.pk}:out", memos.DISPUTED
        _take(account, dispute, Code.DISPUTES, Kind.DISPUTE, reference, memo)
    if dispute.money_in:
        reference, memo = f"dispute:{dispute.pk}:in", memos.DISPUTE_WON
        _return(account, dispute, Code.DISPUTES, Kind.DISPUTE_WON, reference, memo)


def _rank(status: str) -> int:
    """Tell how far a dispute is: an inquiry may grow into a dispute, and what has ended stays."""
    if status in DISPUTE_ENDED:
        return 2
    return 0 if status.startswith("warning_") else 1


def freeze_or_thaw(account: Account) -> None:
    """Let no credit be spent while a dispute is open or an operator has stopped it."""
    # Two disputes of one account may be told at once: neither must overlook the other.
    ledger.lock(account)
    disputes = Dispute.objects.filter(purchase__account=account)
    disputed = disputes.exclude(status__in=DISPUTE_HARMLESS).exists()
    stopped = Freeze.objects.filter(account=account).exists()
    ledger.set_frozen(account, frozen=disputed or stopped)


def credit_of(purchase: Purchase, cents: int) -> int:
    """Return the credit that stands behind a part of what was charged, rounded down."""
    return checkout.share_of(purchase, purchase.amount_micros, cents)


def cents_of(purchase: Purchase, credit_micros: int) -> int:
    """Return the cents charged for a part of the credit, rounded up: it undoes `credit_of`."""
    assert purchase.charged_cents, "only a paid purchase is shared out"
    return -(-credit_micros * purchase.charged_cents // purchase.amount_micros)


def _shares(purchase: Purchase, cents: int) -> dict[str, int]:
    """Return the credit and the bonus that stand behind a part of what was charged."""
    return {
        "amount_micros": credit_of(purchase, cents),
        "bonus_micros": checkout.share_of(purchase, purchase.bonus_micros, cents),
    }


def _take(
    account: Account, row: Refund | Dispute, to: Code, kind: Kind, reference: str, memo: str
) -> None:
    # The bonus goes first: it is a gift, and must not be kept while bought credit is owed.
    if row.bonus_micros:
        ledger.claw_back(
            account,
            row.bonus_micros,
            to=Code.PROMOTIONS,
            kind=Kind.BONUS_BACK,
            reference=f"{reference}:bonus",
            memo=memos.BONUS_BACK,
        )
    ledger.claw_back(account, row.amount_micros, to=to, kind=kind, reference=reference, memo=memo)


def _return(
    account: Account, row: Refund | Dispute, source: Code, kind: Kind, reference: str, memo: str
) -> None:
    # The bonus comes first: only the money after it pays debts, the one for the bonus as well.
    if row.bonus_micros:
        ledger.deposit(
            account,
            row.bonus_micros,
            source=Code.PROMOTIONS,
            kind=Kind.BONUS,
            reference=f"{reference}:bonus",
            memo=memos.BONUS_BACK,
        )
    ledger.deposit(
        account, row.amount_micros, source=source, kind=kind, reference=reference, memo=memo
    )
