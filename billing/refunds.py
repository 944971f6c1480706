"""Refunds that the operator orders: Stripe and ledger in step.

The order is kept first, then Stripe is asked under the order's own key, then the refund is
followed exactly as its webhook would be. So a crash at any point is mended by ordering the same
again, or by the webhook, whose refund names the order.
"""

import uuid

import stripe
from django.db import transaction

from accounts import acts
from accounts.models import User
from billing import clawbacks, gateway, money
from billing.models import Dispute, Purchase, Refund, RefundOrder

State = RefundOrder.State

TOLD_LENGTH_MAX = 500


class RefundRefused(Exception):
    """Nothing goes back to the customer; the sentence says why."""


class RefundUnfinished(Exception):
    """The order is kept, but Stripe has not confirmed it."""

    def __init__(self, order: RefundOrder) -> None:
        self.order = order
        super().__init__(
            f"Stripe has not confirmed the refund of {_dollars(order.cents)} yet. The order is "
            "kept: order the same refund again to finish it. It will be paid once only."
        )


def refund(
    purchase: Purchase, amount_micros: int, reason: str, by: User, key: uuid.UUID | None = None
) -> Refund:
    """Give a part of a purchase back, all of it for its whole sum; return Stripe's refund.

    An order of the same sum that is still open is finished instead of ordering twice, and so is
    one with the same `key`. Raises RefundRefused and RefundUnfinished.
    """
    order = _order(purchase, amount_micros, reason, by, key or uuid.uuid4())
    if order.refund is not None:
        return order.refund
    return carry_out(order)


def carry_out(order: RefundOrder) -> Refund:
    """Have Stripe pay an order and follow it; safe to repeat. Raises as `refund` does."""
    try:
        told = _asked(order)
        follow = clawbacks.following_refund(told)
    except stripe.StripeError as error:
        RefundOrder.objects.filter(pk=order.pk).update(told=str(error)[:TOLD_LENGTH_MAX])
        raise RefundUnfinished(order) from error
    with transaction.atomic():
        follow()
    return Refund.objects.get(pk=told.id)


def left_micros(purchase: Purchase) -> int:
    """Return how much credit of a purchase can still be refunded."""
    left = _left_cents(purchase)
    return clawbacks.credit_of(purchase, left) if left else 0


def _order(
    purchase: Purchase, amount_micros: int, reason: str, by: User, key: uuid.UUID
) -> RefundOrder:
    """Keep what is wanted, unless it is kept already. Raises RefundRefused."""
    with transaction.atomic():
        purchase = Purchase.objects.select_for_update().get(pk=purchase.pk)
        if purchase.status != Purchase.Status.PAID or not purchase.charged_cents:
            raise RefundRefused("This purchase was not paid: there is nothing to give back.")
        known = RefundOrder.objects.filter(pk=key, purchase=purchase).first()
        if known is not None:
            return _still_valid(known)
        unfinished = purchase.refund_orders.filter(state=State.OPEN).first()
        if unfinished is not None:
            return _same_sum(unfinished, amount_micros)
        cents = _cents(purchase, amount_micros)
        account, facts = purchase.account_id, {"sum": money.decimal(amount_micros)}
        acts.note(by, "ordered a refund", purchase, reason, account=account, after=facts)
        return RefundOrder.objects.create(
            pk=key, purchase=purchase, cents=cents, reason=reason, by=by
        )


def _still_valid(known: RefundOrder) -> RefundOrder:
    if known.state == State.REFUSED:
        raise RefundRefused(known.told)
    return known


def _same_sum(unfinished: RefundOrder, amount_micros: int) -> RefundOrder:
    if clawbacks.cents_of(unfinished.purchase, amount_micros) != unfinished.cents:
        raise RefundRefused(
            f"A refund of {_dollars(unfinished.cents)} of this purchase is not finished. "
            "Order that one again first."
        )
    return unfinished


def _cents(purchase: Purchase, amount_micros: int) -> int:
    """Return what Stripe is to pay for this part of the credit. Raises RefundRefused."""
    if amount_micros <= 0 or amount_micros % money.MICROS_PER_CENT:
        raise RefundRefused("A refund is a whole number of cents, at least one.")
    left = _left_cents(purchase)
    most = clawbacks.credit_of(purchase, left)
    if amount_micros > most:
        raise RefundRefused(f"Only {money.display(most)} of this purchase is left to refund.")
    return min(left, clawbacks.cents_of(purchase, amount_micros))


def _left_cents(purchase: Purchase) -> int:
    refunds = purchase.refunds.exclude(status__in=clawbacks.REFUND_ENDED_BADLY)
    disputes = Dispute.objects.filter(purchase=purchase, money_out=True, money_in=False)
    gone = [row.amount_micros for row in refunds] + [row.amount_micros for row in disputes]
    back = sum(clawbacks.cents_of(purchase, micros) for micros in gone)
    return max(0, (purchase.charged_cents or 0) - back)


def _asked(order: RefundOrder) -> stripe.Refund:
    """Return Stripe's refund for an order, ordering it there unless that was done before.

    Raises stripe.StripeError while the outcome is open, RefundRefused when Stripe says no.
    """
    payment = order.purchase.payment_intent
    # Stripe forgets a key after a day, and an order may have to wait longer: the list does not.
    for one in gateway.refunds_of(payment_intent=payment):
        if gateway.word_of(one.metadata, clawbacks.ORDER) == str(order.pk):
            return one
    try:
        return gateway.refund_payment(
            payment,
            order.cents,
            metadata={clawbacks.ORDER: str(order.pk)},
            key=f"refund:{order.pk}",
        )
    except stripe.InvalidRequestError as error:
        said = f"Stripe refuses this refund: {error.user_message or error}"[:TOLD_LENGTH_MAX]
        open_order = RefundOrder.objects.filter(pk=order.pk, state=State.OPEN)
        open_order.update(state=State.REFUSED, told=said)
        raise RefundRefused(said) from error


def _dollars(cents: int) -> str:
    return money.display(money.from_cents(cents))
