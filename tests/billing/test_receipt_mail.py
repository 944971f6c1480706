"""The receipt: one mail for one purchase, to those who look after the money."""

import pytest
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.access import Role
from billing import checkout
from billing.models import Purchase
from tests.accounts.teams import join
from tests.cast import Customer


def buy(
    customer: Customer,
    capture: DjangoCaptureOnCommitCallbacks,
    *,
    times: int = 1,
    cents: int = 2500,
) -> Purchase:
    """Book a paid purchase of $25, as often as Stripe tells of it."""
    purchase = Purchase.objects.create(
        account=customer.account, amount_micros=25_000_000, bonus_micros=1_000_000
    )
    for _ in range(times):
        with capture(execute=True), transaction.atomic():
            checkout.credit(purchase, "pi_1", charged_cents=cents)
    return purchase


def test_a_purchase_is_mailed_once_however_often_stripe_tells_of_it(
    bob: Customer,
    mailoutbox: list[EmailMultiAlternatives],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    purchase = buy(bob, django_capture_on_commit_callbacks, times=3)
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([bob.user.email], "Receipt: $25.00 of credit")
    page = str(mail.alternatives[0][0])
    for part in (str(mail.body), page):
        assert f"/billing/receipts/{purchase.pk}" in part
        assert "$1.00" in part
        assert "tax included" not in part


def test_tax_is_named(
    bob: Customer,
    mailoutbox: list[EmailMultiAlternatives],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    buy(bob, django_capture_on_commit_callbacks, cents=2975)
    for part in (str(mailoutbox[0].body), str(mailoutbox[0].alternatives[0][0])):
        assert "$29.75" in part
        assert "tax included" in part


@pytest.mark.parametrize(("role", "hears"), [(Role.BILLING, True), (Role.MEMBER, False)])
def test_who_has_nothing_to_do_with_money_gets_none(
    bob: Customer,
    mailoutbox: list[EmailMultiAlternatives],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    role: str,
    hears: bool,
) -> None:
    dora = join(bob, "dora", role)
    buy(bob, django_capture_on_commit_callbacks)
    assert (dora.user.email in mailoutbox[0].to) == hears
