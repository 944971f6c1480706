"""Automatic top-ups: charge a saved card when the credit runs low, once, and never in doubt twice.

The purchase is committed first. Its id is the idempotency key of the payment and stands in the
payment's metadata, so that whatever answers (Stripe at once, an event, a later question) leads
back to it. What happened is read from the payment as it stands; an open purchase moves once.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import stripe
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet, Sum
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import Account
from billing import checkout, gateway, money, topup_link, topup_rule, topup_words
from billing.models import AutoTopUp, PaymentProfile, Purchase

logger = logging.getLogger(__name__)

AUTHENTICATION = "authentication_required"
TASK = "billing.tasks.top_up_one"

ACCOUNTS_MAX = 100
RUN_SECONDS_MAX = 60
# An answer that has not come by then is looked for. Asking again stops long before Stripe
# forgets the key (a day), and only well after the last question is silence taken for a no.
SETTLE_AFTER = timedelta(seconds=30)
ASK_AGAIN_UNTIL = timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(minutes=20)
CLOCK_SLACK = timedelta(minutes=5)

Outcome = Callable[[AutoTopUp, Purchase], str]


def of(account: Account) -> AutoTopUp | None:
    """Return the account's rule, if it has one."""
    return AutoTopUp.objects.filter(account=account).first()


def history(account: Account) -> QuerySet[Purchase]:
    """Return the account's automatic purchases, newest first."""
    mine = Purchase.objects.filter(account=account, origin=Purchase.Origin.AUTO)
    return mine.order_by("-created_at", "-id")


def wake(account: Account) -> None:
    """Have a worker top the account up soon, if it needs it; call it after credit was spent.

    The schedule finds the account anyway: this only makes it quicker.
    """
    if not _waiting(timezone.now()).filter(account=account).exists():
        return
    if settings.REDIS_URL:
        # Redis knows nothing of our transaction: woken earlier, the worker would see no need.
        transaction.on_commit(lambda: _enqueue(account))
    else:
        _enqueue(account)


def run_due() -> int:
    """Settle what is open, then top up accounts below their thresholds; return how many.

    Bounded in number and time: the next run goes on.
    """
    until = time.monotonic() + RUN_SECONDS_MAX
    done = 0
    for purchase in _unsettled():
        if time.monotonic() < until:
            settle(purchase)
    for rule in _waiting(timezone.now()).order_by("next_try_at", "id")[:ACCOUNTS_MAX]:
        if time.monotonic() < until:
            done += attempt(rule.account)
    return done


def attempt(account: Account) -> bool:
    """Top the account up if its rule asks for it; False when there was nothing to do.

    Safe to call at any time and from many places at once.
    """
    purchase = _begin(account)
    if purchase is None:
        return False
    _guarded(_pay, purchase)
    return True


def settle(purchase: Purchase) -> None:
    """Find out what became of an open automatic purchase, asking again with the same key."""
    _guarded(_settle, purchase)


def following(payment: stripe.PaymentIntent) -> Callable[[], None]:
    """Return what to do about an automatic payment as it stands; nothing for any other.

    Raises stripe.StripeError and checkout.PaymentMismatch.
    """
    purchase = checkout.automatic(payment)
    if purchase is None:
        return _nothing
    if payment.status == "requires_action":
        # The owner pays in a new Checkout session: nobody may complete this one as well.
        payment = gateway.cancel_payment(payment.id)
    if payment.status == "succeeded":
        return checkout.crediting_payment(payment)
    outcome = _refusal(payment)
    return _nothing if outcome is None else lambda: _close(purchase, outcome)


def confirm(rule: AutoTopUp, *, email: str) -> str:
    """Return the Checkout page where the owner of a paused rule pays and so turns it on again.

    Raises stripe.StripeError.
    """
    return checkout.start(rule.account, rule.amount_micros, email=email, keep=topup_rule.RESUME)


def confirm_by_link(token: str) -> str:
    """Use a mailed link up and return the Checkout page that it leads to.

    Raises topup_link.LinkSpent, and stripe.StripeError, after which the link is good again.
    """
    rule = topup_link.read(token)
    topup_link.spend(rule)
    try:
        # Stripe knows the customer by now, and so the address too.
        return confirm(rule, email="")
    except stripe.StripeError:
        topup_link.give_back(rule)
        raise


def _enqueue(account: Account) -> None:
    async_task(TASK, str(account.pk))  # type: ignore[no-untyped-call]  # django-q2 has no types


def _waiting(now: datetime) -> QuerySet[AutoTopUp]:
    """Return the rules that ask for money and have no payment under way."""
    under_way = _open().filter(account=OuterRef("account"))
    return AutoTopUp.objects.due(now).filter(~Exists(under_way)).select_related("account")


def _open() -> QuerySet[Purchase]:
    return Purchase.objects.filter(origin=Purchase.Origin.AUTO, status=Purchase.Status.OPEN)


def _unsettled() -> QuerySet[Purchase]:
    old = _open().filter(created_at__lte=timezone.now() - SETTLE_AFTER)
    return old.select_related("account").order_by("created_at", "id")[:ACCOUNTS_MAX]


def _begin(account: Account) -> Purchase | None:
    """Commit the purchase that the rule asks for, or return None.

    The lock makes reading the balance and the month's sum safe: whoever settles an automatic
    purchase holds it too. Where it should fail, purchase_one_auto_in_flight does not.
    """
    now = timezone.now()
    try:
        with transaction.atomic():
            topup_rule.lock(account)
            rule = AutoTopUp.objects.due(now).filter(account=account).first()
            if rule is None or not _within_cap(rule, now):
                return None
            return Purchase.objects.create(
                account=account,
                amount_micros=rule.amount_micros,
                bonus_micros=checkout.bonus_on(rule.amount_micros),
                origin=Purchase.Origin.AUTO,
                payment_method=rule.payment_method,
            )
    except IntegrityError:
        return None


def _within_cap(rule: AutoTopUp, now: datetime) -> bool:
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    counted = history(rule.account).filter(
        created_at__gte=month, status__in=[Purchase.Status.OPEN, Purchase.Status.PAID]
    )
    spent = counted.aggregate(total=Sum("amount_micros"))["total"] or 0
    if spent + rule.amount_micros <= rule.monthly_cap_micros:
        return True
    topup_rule.cap_reached(rule, (month + timedelta(days=32)).replace(day=1))
    return False


def _guarded(step: Callable[[Purchase], None], purchase: Purchase) -> None:
    """Take a step that may end in doubt: the purchase then stays open, to be settled later."""
    try:
        step(purchase)
    except (stripe.StripeError, checkout.PaymentMismatch):
        logger.exception("The top-up %s stays open.", purchase.pk)


def _pay(purchase: Purchase) -> None:
    try:
        payment = gateway.client().v1.payment_intents.create(
            params=_params(purchase), options={"idempotency_key": f"topup:{purchase.pk}"}
        )
    except stripe.CardError as refusal:
        payment = gateway.payment(gateway.refused_payment(refusal))
    except stripe.InvalidRequestError as refusal:
        if refusal.param != "payment_method":
            raise
        _close(purchase, topup_rule.lost_card)
        return
    _follow(payment)


def _settle(purchase: Purchase) -> None:
    # A key may replay an error although the payment was made, so first see what there is.
    customer = PaymentProfile.objects.get(account=purchase.account).customer
    for payment in gateway.payments_of(customer, purchase.created_at - CLOCK_SLACK):
        if gateway.word_of(payment.metadata, "purchase") == str(purchase.pk):
            _follow(payment)
            return
    age = timezone.now() - purchase.created_at
    if age < ASK_AGAIN_UNTIL:
        _pay(purchase)
    elif age > GIVE_UP_AFTER:
        _close(purchase, topup_rule.unanswered)


def _follow(payment: stripe.PaymentIntent) -> None:
    effect = following(payment)
    with transaction.atomic():
        effect()


def _refusal(payment: stripe.PaymentIntent) -> Outcome | None:
    """Return what a payment that will not succeed does to the rule, or None while it may."""
    if payment.status == "canceled" and payment.cancellation_reason == gateway.GIVEN_UP:
        return topup_rule.wants_owner
    if payment.status == "canceled":
        return lambda rule, purchase: topup_rule.declined(rule, purchase, topup_words.CANCELED)
    error = payment.last_payment_error
    if payment.status != "requires_payment_method" or error is None:
        return None
    if AUTHENTICATION in {error.code, error.decline_code}:
        return topup_rule.wants_owner
    why = error.message or topup_words.DECLINED
    return lambda rule, purchase: topup_rule.declined(rule, purchase, why)


def _close(purchase: Purchase, outcome: Outcome) -> None:
    """End an open purchase without payment; whoever comes first does, and tells the customer."""
    with transaction.atomic():
        rule = topup_rule.lock(purchase.account)
        mine = Purchase.objects.filter(pk=purchase.pk)
        if mine.filter(status=Purchase.Status.OPEN).update(status=Purchase.Status.FAILED) != 1:
            return
        assert rule is not None, "an automatic purchase comes of a rule, and rules are kept"
        mine.update(told=outcome(rule, purchase))


def _params(purchase: Purchase) -> Any:
    """Return what Stripe is asked: always the same for one purchase, or its key is refused."""
    return {
        "amount": money.whole_cents(purchase.amount_micros),
        "currency": checkout.CURRENCY,
        "confirm": True,
        "off_session": True,
        "customer": PaymentProfile.objects.get(account=purchase.account).customer,
        "payment_method": purchase.payment_method,
        "description": "Gallop credit",
        "metadata": {"purchase": str(purchase.pk), "account": str(purchase.account_id)},
    }


def _nothing() -> None:
    """Leave things as they are."""
