"""What Stripe is asked for, and what a purchase becomes when the answer is unusual."""

from typing import Any

import pytest
import stripe
from django.core import mail
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from billing import checkout, money, topup_rule
from billing.models import Purchase, Transfer
from tests.billing.races import together
from tests.billing.stripe_desk import Desk, purchase_of
from tests.cast import Customer

FIVE = money.parse("5")


def open_purchase(customer: Customer, **changes: Any) -> Purchase:
    return Purchase.objects.create(account=customer.account, amount_micros=FIVE, **changes)


def session_for(reference: str | None, **changes: Any) -> stripe.checkout.Session:
    """A session of $5 as Stripe tells of it, paid unless changed."""
    told: dict[str, Any] = {
        "id": "cs_told",
        "object": "checkout.session",
        "client_reference_id": reference,
        "payment_status": "paid",
        "payment_intent": "pi_told",
        "amount_subtotal": 500,
        "amount_total": 550,
        "currency": "usd",
        "invoice": "in_told",
        "metadata": {},
    }
    return stripe.checkout.Session.construct_from(told | changes, "sk_test")


def payment_for(purchase: Purchase, **changes: Any) -> stripe.PaymentIntent:
    """An automatic payment of $5 as Stripe tells of it."""
    told: dict[str, Any] = {
        "id": "pi_auto",
        "object": "payment_intent",
        "status": "succeeded",
        "amount_received": 500,
        "currency": "usd",
        "metadata": {"purchase": str(purchase.pk)},
    }
    return stripe.PaymentIntent.construct_from(told | changes, "sk_test")


def test_a_session_asks_for_exactly_this(bob: Customer, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://gallop.example"
    purchase = open_purchase(bob)
    now = int(timezone.now().timestamp())
    params = checkout._session_params(purchase, "cus_1", "")
    assert 0 <= params.pop("expires_at") - now - checkout.SESSION_SECONDS <= 60
    ours = {"purchase": str(purchase.pk), "account": str(bob.account.pk)}
    price = {"currency": "usd", "unit_amount": 500, "product_data": {"name": "Gallop credit"}}
    assert params == {
        "mode": "payment",
        "client_reference_id": str(purchase.pk),
        "customer": "cus_1",
        "metadata": ours,
        "payment_intent_data": {"metadata": ours},
        "invoice_creation": {"enabled": True},
        "success_url": "https://gallop.example/billing/return?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://gallop.example/billing",
        "line_items": [{"quantity": 1, "price_data": price}],
    }


def test_with_tax_stripe_reckons_it_from_the_address_that_is_typed(
    bob: Customer, settings: Settings
) -> None:
    settings.STRIPE_TAX = True
    params = checkout._session_params(open_purchase(bob), "cus_1", "")
    assert params["mode"] == "payment"
    assert params["automatic_tax"] == {"enabled": True}
    assert params["customer_update"] == {"address": "auto"}


def test_a_card_is_saved_for_its_purpose_and_only_the_session_says_for_which(
    bob: Customer,
) -> None:
    purchase = open_purchase(bob)
    params = checkout._session_params(purchase, "cus_1", topup_rule.KEEP)
    ours = {"purchase": str(purchase.pk), "account": str(bob.account.pk)}
    assert params["metadata"] == {**ours, "top_up": topup_rule.KEEP}
    assert params["payment_intent_data"] == {
        "metadata": ours,
        "setup_future_usage": "off_session",
    }


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"amount_subtotal": 600}, "600 cents of usd"),
        ({"amount_subtotal": None}, "None cents of usd"),
        ({"currency": "eur"}, "500 cents of eur"),
    ],
)
def test_another_sum_or_currency_is_refused_in_words_for_the_operator(
    bob: Customer, told: dict[str, Any], words: str
) -> None:
    purchase = open_purchase(bob)
    with pytest.raises(checkout.PaymentMismatch) as refusal:
        checkout.crediting(session_for(str(purchase.pk), **told))
    assert str(refusal.value) == f"{words} were paid for purchase {purchase.pk} of $5.00."


def test_a_session_that_names_no_sum_does_not_pay_for_a_cent(bob: Customer) -> None:
    cent = Purchase.objects.create(account=bob.account, amount_micros=money.MICROS_PER_CENT)
    with pytest.raises(checkout.PaymentMismatch):
        checkout.crediting(session_for(str(cent.pk), amount_subtotal=None))


def test_a_purchase_and_its_bonus_are_two_transfers_that_say_what_they_are(bob: Customer) -> None:
    purchase = open_purchase(bob, bonus_micros=money.parse("0.25"))
    with transaction.atomic():
        checkout.credit(purchase, "pi_1", charged_cents=500)
    rows = Transfer.objects.order_by("id")
    assert [(r.kind, r.debit.code, r.amount_micros, r.reference, r.memo) for r in rows] == [
        ("purchase", "stripe", FIVE, "purchase:pi_1", "Credit bought"),
        ("bonus", "promotions", 250_000, "purchase:pi_1", "Bonus on your purchase"),
    ]
    assert bob.balance_micros == money.parse("5.25")


def test_the_charge_with_its_tax_and_the_invoice_are_kept(bob: Customer) -> None:
    purchase = open_purchase(bob, told="Something was declined.")
    with transaction.atomic():
        checkout.crediting(session_for(str(purchase.pk)))()
    paid = purchase_of(bob.account)
    assert (paid.charged_cents, paid.invoice, paid.told) == (550, "in_told", "")
    assert (paid.payment_intent, bob.balance_micros) == ("pi_told", FIVE)


def test_a_session_that_took_no_payment_is_credited_under_its_own_name(bob: Customer) -> None:
    session = session_for(
        str(open_purchase(bob).pk),
        payment_status="no_payment_required",
        payment_intent=None,
        invoice=None,
        amount_total=None,
    )
    with transaction.atomic():
        checkout.crediting(session)()
    paid = purchase_of(bob.account)
    assert (paid.charged_cents, paid.invoice, paid.payment_intent) == (0, "", "cs_told")
    assert Transfer.objects.get().reference == "purchase:cs_told"


@pytest.mark.parametrize("reference", [None, "order-7"])
@pytest.mark.django_db
def test_a_paid_session_of_nobody_is_named_in_the_log(
    caplog: pytest.LogCaptureFixture, reference: str | None
) -> None:
    checkout.crediting(session_for(reference))()
    assert caplog.messages == ["Checkout session cs_told belongs to no purchase of ours."]


def test_a_payment_that_is_known_gives_its_purchase_and_stripe_is_not_asked(
    bob: Customer, settings: Settings
) -> None:
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"
    purchase = open_purchase(bob)
    with transaction.atomic():
        assert checkout.credit(purchase, "pi_1", charged_cents=500)
        assert checkout.settling("pi_1")() == purchase
        assert not checkout.credit(purchase, "pi_1", charged_cents=500)
    assert purchase_of(bob.account).invoice == ""


def test_news_that_comes_before_its_payment_credits_the_payments_own_purchase_first(
    bob: Customer, desk: Desk
) -> None:
    checkout.fulfil(desk.bought(bob, "10"))
    later = desk.bought(bob, "25")
    settle = checkout.settling(str(desk.session(later).payment_intent))
    with transaction.atomic():
        purchase = settle()
    assert purchase is not None
    assert (purchase.session, purchase.status) == (later, Purchase.Status.PAID)
    assert bob.balance_micros == money.parse("35")


@pytest.mark.django_db
def test_a_payment_of_nobody_is_named_in_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    payment = desk.api.v1.payment_intents.create({"amount": 2500, "currency": "usd"})
    with transaction.atomic():
        assert checkout.settling(payment.id)() is None
    assert f"Payment {payment.id} belongs to no purchase of ours." in caplog.messages


def test_an_automatic_payment_is_credited_with_what_was_received(bob: Customer) -> None:
    purchase = open_purchase(bob, origin=Purchase.Origin.AUTO)
    with transaction.atomic():
        checkout.crediting_payment(payment_for(purchase))()
    paid = purchase_of(bob.account)
    assert (paid.status, paid.payment_intent, paid.charged_cents) == ("paid", "pi_auto", 500)
    assert bob.balance_micros == FIVE


@pytest.mark.parametrize("status", ["processing", "requires_action", "canceled"])
def test_an_automatic_payment_that_has_not_succeeded_credits_nothing(
    bob: Customer, status: str
) -> None:
    purchase = open_purchase(bob, origin=Purchase.Origin.AUTO)
    checkout.crediting_payment(payment_for(purchase, status=status))()
    assert (purchase_of(bob.account).status, bob.balance_micros) == ("open", 0)


@pytest.mark.parametrize(
    ("cents", "share"), [(0, 0), (1, 1818), (275, 500_000), (550, 1_000_000), (551, 1_000_000)]
)
def test_a_share_is_rounded_down_and_never_more_than_the_whole(cents: int, share: int) -> None:
    assert checkout.share_of(Purchase(charged_cents=550), 1_000_000, cents) == share


@pytest.mark.parametrize(("failed", "status"), [(True, "failed"), (False, "expired")])
def test_an_open_purchase_ends_by_the_name_of_its_end(
    bob: Customer, failed: bool, status: str
) -> None:
    purchase = open_purchase(bob)
    checkout.closing(session_for(str(purchase.pk)), failed=failed)()
    assert purchase_of(bob.account).status == status


@pytest.mark.parametrize(
    ("origin", "subject"),
    [("auto", "We added $5.00 of credit"), ("checkout", "Receipt: $5.00 of credit")],
)
def test_a_mail_tells_once_of_what_was_paid(
    bob: Customer,
    origin: str,
    subject: str,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    purchase = open_purchase(bob, origin=origin)
    with django_capture_on_commit_callbacks(execute=True):
        for first in (True, False):
            assert checkout.credit(purchase, "pi_1", charged_cents=500) is first
    assert [letter.subject for letter in mail.outbox] == [subject]


@pytest.mark.django_db(transaction=True)
def test_a_payment_waits_for_whoever_is_at_work_on_the_top_up_rule(bob: Customer) -> None:
    purchase = open_purchase(bob)
    topup_rule.write(bob.account, topup_rule.first_terms(FIVE))

    def credit_at_once() -> bool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '20ms'")
            return checkout.credit(purchase, "pi_1", charged_cents=500)

    with transaction.atomic():
        topup_rule.lock(bob.account)
        (refusal,) = together([credit_at_once])
    assert isinstance(refusal, OperationalError)
    assert together([credit_at_once]) == [True]
    assert bob.balance_micros == FIVE


def test_stripe_knows_the_buyers_address_for_its_receipts(bob: Customer, desk: Desk) -> None:
    session = desk.session(desk.started(bob))
    assert desk.api.v1.customers.retrieve(str(session.customer)).email == bob.user.email
