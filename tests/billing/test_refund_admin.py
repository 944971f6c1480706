"""Refunding a purchase from the admin: a page asks how much and why."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from accounts.opening import open_account
from billing import money
from billing.models import Purchase, RefundOrder
from tests.billing import stories
from tests.billing.stripe_desk import Desk
from tests.cast import Customer, customer


@pytest.fixture
def operator(db: None) -> Customer:
    del db
    olga = customer("olga")
    open_account(olga.user.email, staff=True)
    olga.user.refresh_from_db()
    return olga


@pytest.fixture
def purchase(desk: Desk, bob: Customer) -> Purchase:
    return stories.paid(desk, bob)


def page_of(purchase: Purchase) -> str:
    return f"/admin/billing/purchase/{purchase.pk}/refund/"


def filled(page: Any, **entries: str) -> dict[str, str]:
    """The form of the page with these entries."""
    form = page.context["form"]
    return {name: str(form[name].value()) for name in ("amount", "order")} | entries


def test_the_purchase_leads_to_the_refund_page(purchase: Purchase, operator: Customer) -> None:
    shown = operator.browser.get(f"/admin/billing/purchase/{purchase.pk}/change/")
    assert page_of(purchase) in shown.content.decode()


def test_the_page_suggests_all_that_is_left(purchase: Purchase, operator: Customer) -> None:
    page: Any = operator.browser.get(page_of(purchase))
    assert page.context["form"]["amount"].value() == "25.00"
    assert "$25.00 of it can be refunded" in " ".join(page.content.decode().split())


def test_a_refund_is_made_and_says_who_and_why(
    purchase: Purchase, bob: Customer, operator: Customer
) -> None:
    browser = operator.browser
    entries = filled(browser.get(page_of(purchase)), amount="10", reason="Bad film")

    done: Any = browser.post(page_of(purchase), entries, follow=True)

    assert re.search(r"\$10\.00 of credit was taken back: re_\w+, succeeded", done.content.decode())
    order = RefundOrder.objects.get()
    assert (order.by, order.reason) == (operator.user, "Bad film")
    assert bob.balance_micros == money.parse("15")
    shown = browser.get("/admin/billing/refundorder/").content.decode()
    assert "Bad film" in shown


def test_the_same_page_sent_twice_refunds_once(
    purchase: Purchase, bob: Customer, operator: Customer
) -> None:
    browser = operator.browser
    entries = filled(browser.get(page_of(purchase)), amount="10", reason="Bad film")
    for _ in range(2):
        assert browser.post(page_of(purchase), entries).status_code == 302
    assert bob.balance_micros == money.parse("15")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"amount": "25.01", "reason": "x"}, "Only $25.00 of this purchase is left"),
        ({"amount": "ten", "reason": "x"}, "Write a sum in dollars"),
        ({"amount": "0.001", "reason": "x"}, "whole number of cents"),
        ({"amount": "10", "reason": ""}, "This field is required"),
    ],
)
def test_what_cannot_be_is_said_on_the_page(
    entries: dict[str, str], said: str, purchase: Purchase, operator: Customer
) -> None:
    browser = operator.browser
    page: Any = browser.post(page_of(purchase), filled(browser.get(page_of(purchase)), **entries))
    assert page.status_code == 200
    assert said in page.content.decode()
    assert not RefundOrder.objects.exists()


def test_a_silent_stripe_leaves_an_order_to_finish(
    purchase: Purchase, desk: Desk, bob: Customer, operator: Customer
) -> None:
    browser = operator.browser
    entries = filled(browser.get(page_of(purchase)), amount="10", reason="Bad film")
    desk.control("faults", path="/v1/refunds", status=500, times=9)
    page: Any = browser.post(page_of(purchase), entries)
    assert "has not confirmed" in page.content.decode()
    desk.control("faults", path="/v1/none", status=500, times=1)

    assert browser.post(page_of(purchase), entries).status_code == 302
    assert bob.balance_micros == money.parse("15")


def test_only_those_may_refund_who_may_order_refunds(purchase: Purchase, charlie: Customer) -> None:
    charlie.user.is_staff = True
    charlie.user.save(update_fields=["is_staff"])
    view = Permission.objects.get(codename="view_purchase")
    charlie.user.user_permissions.add(view)
    assert charlie.browser.get(page_of(purchase)).status_code == 403

    charlie.user.user_permissions.add(Permission.objects.get(codename="add_refundorder"))
    assert charlie.browser.get(page_of(purchase)).status_code == 200


def test_a_customer_never_sees_the_page(purchase: Purchase, bob: Customer) -> None:
    assert bob.browser.get(page_of(purchase)).status_code == 302


@pytest.mark.parametrize(
    "model",
    ["refund", "refundorder", "dispute", "paymentprofile", "grant", "autotopup", "alert"],
)
def test_the_rest_can_be_looked_at_and_not_touched(model: str, operator: Customer) -> None:
    browser = operator.browser
    assert browser.get(f"/admin/billing/{model}/").status_code == 200
    assert browser.get(f"/admin/billing/{model}/add/").status_code == 403
