"""Selling credit: start a purchase at Stripe Checkout, and credit it once when it is paid.

Stripe fulfils by webhook; the return page only makes it quicker. Both end in `crediting`,
perhaps at the same moment, perhaps many times: the unique ledger reference lets one through.
Functions in -ing ask Stripe first and return what remains to be done inside a transaction.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Any

import stripe
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import twins
from accounts.models import Account
from billing import customers, gateway, ledger, memos, money, notices, topup_rule
from billing.models import LedgerAccount, Purchase, Transfer

logger = logging.getLogger(__name__)

CURRENCY = "usd"
PAID = {"paid", "no_payment_required"}
# Checkout sessions live a day at Stripe; ours end sooner, so that a stale page cannot be paid.
SESSION_SECONDS = 3600
# Under this name a session's metadata says what its card is saved for.
KEEP = "top_up"


class PaymentMismatch(RuntimeError):
    """What was paid is not what was bought; nothing is credited and the operator must look."""


def start(account: Account, amount_micros: int, *, email: str, keep: str = "") -> str:
    """Begin a purchase and return the address of Stripe's payment page.

    `keep` is one of topup_rule.KEEPS when the card is to be saved for automatic top-ups. Raises
    stripe.StripeError when Stripe cannot be reached or refuses, and twins.LiveOnly.
    """
    twins.require_live(account)
    customer = customers.customer_of(account, email)
    purchase = Purchase.objects.create(
        account=account, amount_micros=amount_micros, bonus_micros=bonus_on(amount_micros)
    )
    session = gateway.client().v1.checkout.sessions.create(
        params=_session_params(purchase, customer, keep),
        options={"idempotency_key": f"purchase:{purchase.pk}"},
    )
    Purchase.objects.filter(pk=purchase.pk).update(session=session.id)
    assert session.url is not None, "a session of mode payment has a page"
    return session.url


def bonus_on(amount_micros: int) -> int:
    """Return the promotional credit that comes with a purchase, by settings.BONUS_PERCENT."""
    reached = [
        percent
        for dollars, percent in settings.BONUS_PERCENT.items()
        if amount_micros >= dollars * money.MICROS_PER_DOLLAR
    ]
    return amount_micros * max(reached, default=0) // 100


def fulfil(session_id: str) -> Purchase | None:
    """Credit the purchase of this Checkout session if it is paid, once.

    Returns the purchase as it stands, or None for a session that is not ours. Raises
    PaymentMismatch and stripe.StripeError.
    """
    if not session_id.startswith("cs_"):
        return None
    session = gateway.session(session_id)
    credit = crediting(session)
    with transaction.atomic():
        credit()
    return _purchases(session.client_reference_id).first()


def crediting(session: stripe.checkout.Session) -> Callable[[], None]:
    """Return what credits the purchase of a session, if it is paid. Raises PaymentMismatch."""
    purchase = _purchases(session.client_reference_id).first()
    if purchase is None:
        logger.warning("Checkout session %s belongs to no purchase of ours.", session.id)
        return _nothing
    if session.payment_status not in PAID:
        return _nothing
    # Credit is the subtotal: tax is not ours to give.
    _check_sum(purchase, session.amount_subtotal, session.currency)
    payment = gateway.id_of(session.payment_intent) or session.id
    charged, invoice = session.amount_total or 0, gateway.id_of(session.invoice)
    keep = gateway.word_of(session.metadata, KEEP)
    keep_card = topup_rule.keeping_card(purchase, payment, keep) if keep else _nothing

    def effect() -> None:
        if credit(purchase, payment, charged_cents=charged, invoice=invoice):
            keep_card()

    return effect


def crediting_payment(payment: stripe.PaymentIntent) -> Callable[[], None]:
    """Return what credits the automatic purchase of a payment, if it succeeded.

    Raises PaymentMismatch.
    """
    purchase = automatic(payment)
    if purchase is None or payment.status != "succeeded":
        return _nothing
    _check_sum(purchase, payment.amount_received, payment.currency)

    def effect() -> None:
        credit(purchase, payment.id, charged_cents=payment.amount_received)

    return effect


def automatic(payment: stripe.PaymentIntent) -> Purchase | None:
    """Return the automatic purchase that a payment was made for, if it is one of ours."""
    reference = gateway.word_of(payment.metadata, "purchase")
    return _purchases(reference).filter(origin=Purchase.Origin.AUTO).first()


def closing(session: stripe.checkout.Session, *, failed: bool) -> Callable[[], None]:
    """Return what ends a purchase that will not be paid; a paid one stays paid."""
    status = Purchase.Status.FAILED if failed else Purchase.Status.EXPIRED
    opened = _purchases(session.client_reference_id).filter(status=Purchase.Status.OPEN)

    def effect() -> None:
        opened.update(status=status)

    return effect


def settling(payment: str) -> Callable[[], Purchase | None]:
    """Return what makes sure a payment's purchase is credited, and then locks and gives it.

    News of a refund or dispute may come before the news of the payment. Raises
    stripe.StripeError and PaymentMismatch.
    """
    # A purchase learns its payment only by being paid.
    known = Purchase.objects.filter(payment_intent=payment)
    credit_first = _nothing if known.exists() else _crediting_late(payment)

    def effect() -> Purchase | None:
        credit_first()
        purchase = Purchase.objects.select_for_update().filter(payment_intent=payment).first()
        if purchase is None:
            logger.warning("Payment %s belongs to no purchase of ours.", payment)
        return purchase

    return effect


def _crediting_late(payment: str) -> Callable[[], None]:
    session = gateway.session_of(payment)
    if session is None:
        # An automatic payment has no Checkout session.
        return crediting_payment(gateway.payment(payment))
    return crediting(session)


def credit(purchase: Purchase, payment: str, *, charged_cents: int, invoice: str = "") -> bool:
    """Book a paid purchase and its bonus, once; call it inside a transaction.

    Returns False when it had been booked.
    """
    # The order of locks: the top-up rule, then the purchase, then the ledger's row.
    topup_rule.lock(purchase.account)
    unpaid = Purchase.objects.filter(pk=purchase.pk).exclude(status=Purchase.Status.PAID)
    changed = unpaid.update(
        status=Purchase.Status.PAID,
        paid_at=timezone.now(),
        payment_intent=payment,
        charged_cents=charged_cents,
        invoice=invoice,
        told="",
    )
    reference = f"purchase:{payment}"
    ledger.deposit(
        purchase.account,
        purchase.amount_micros,
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=reference,
        memo=memos.BOUGHT,
    )
    if purchase.bonus_micros:
        ledger.deposit(
            purchase.account,
            purchase.bonus_micros,
            source=LedgerAccount.Code.PROMOTIONS,
            kind=Transfer.Kind.BONUS,
            reference=reference,
            memo=memos.BONUS,
        )
    if changed and purchase.origin == Purchase.Origin.AUTO:
        topup_rule.succeeded(purchase)
    elif changed:
        _send_receipt(purchase)
    return changed == 1


def _send_receipt(purchase: Purchase) -> None:
    paid = Purchase.objects.get(pk=purchase.pk)
    charged = money.from_cents(paid.charged_cents or 0)
    notices.tell_customer(paid.account, "receipt", purchase=paid, charged_micros=charged)


def share_of(purchase: Purchase, sum_micros: int, cents: int) -> int:
    """Return the part of a sum that `cents` of the charged total stand for, rounded down."""
    assert purchase.charged_cents, "only a paid purchase is shared out"
    return sum_micros * min(cents, purchase.charged_cents) // purchase.charged_cents


def _check_sum(purchase: Purchase, cents: int | None, currency: str | None) -> None:
    if money.from_cents(cents or 0) != purchase.amount_micros or currency != CURRENCY:
        raise PaymentMismatch(
            f"{cents} cents of {currency} were paid for purchase {purchase.pk} of "
            f"{money.display(purchase.amount_micros)}."
        )


def _purchases(reference: str | None) -> QuerySet[Purchase]:
    """Find by the reference we gave: the session's id may not have been written down yet."""
    try:
        return Purchase.objects.filter(pk=uuid.UUID(reference or ""))
    except ValueError:
        return Purchase.objects.none()


def _nothing() -> None:
    """Leave things as they are."""


def _session_params(purchase: Purchase, customer: str, keep: str) -> Any:
    metadata = {"purchase": str(purchase.pk), "account": str(purchase.account_id)}
    params: dict[str, Any] = {
        "mode": "payment",
        "client_reference_id": str(purchase.pk),
        "customer": customer,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "invoice_creation": {"enabled": True},
        "expires_at": int(timezone.now().timestamp()) + SESSION_SECONDS,
        "success_url": f"{settings.PUBLIC_URL}/billing/return?session={{CHECKOUT_SESSION_ID}}",
        "cancel_url": f"{settings.PUBLIC_URL}/billing",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": CURRENCY,
                    "unit_amount": money.whole_cents(purchase.amount_micros),
                    "product_data": {"name": _("Gallop credit")},
                },
            }
        ],
    }
    if settings.STRIPE_TAX:
        params |= {"automatic_tax": {"enabled": True}, "customer_update": {"address": "auto"}}
    if keep:
        params["metadata"] = metadata | {KEEP: keep}
        params["payment_intent_data"] |= {"setup_future_usage": "off_session"}
    return params
