"""Customers at Stripe: one for each account; the portal and the receipts are their own."""

import uuid
from functools import partial

import pytest
from django.test import Client

from billing import checkout, customers, topup
from billing.models import PaymentProfile
from tests.billing import topups
from tests.billing.races import together
from tests.billing.stripe_desk import Desk, purchase_of
from tests.cast import Customer


def test_an_account_is_one_customer_however_often_it_buys(bob: Customer, desk: Desk) -> None:
    sessions = [desk.session(desk.started(bob)) for _ in range(2)]
    assert len({session.customer for session in sessions}) == 1
    at_stripe = desk.api.v1.customers.retrieve(str(sessions[0].customer))
    assert at_stripe.email == "bob@example.org"
    assert at_stripe.metadata is not None
    assert at_stripe.metadata["account"] == str(bob.account.pk)


@pytest.mark.usefixtures("desk")
def test_a_customer_that_we_forgot_to_note_is_not_made_twice(bob: Customer) -> None:
    first = customers.customer_of(bob.account, bob.user.email)
    PaymentProfile.objects.update(customer="")
    assert customers.customer_of(bob.account, bob.user.email) == first


@pytest.mark.usefixtures("desk")
@pytest.mark.django_db(transaction=True)
def test_first_purchases_at_the_same_moment_make_one_customer(bob: Customer) -> None:
    made = together([partial(customers.customer_of, bob.account, bob.user.email)] * 8)
    assert len({str(one) for one in made}) == 1
    assert str(made[0]).startswith("cus_")


@pytest.mark.usefixtures("desk")
def test_two_accounts_are_two_customers(bob: Customer, charlie: Customer) -> None:
    assert customers.customer_of(bob.account, "b@example.org") != customers.customer_of(
        charlie.account, "c@example.org"
    )


def test_the_button_leads_to_the_portal_of_ones_own_customer(bob: Customer, desk: Desk) -> None:
    checkout.fulfil(desk.bought(bob))
    answer = bob.browser.post("/billing/portal")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{desk.url}/pay/portal/")


def test_the_page_may_lead_to_the_portal_and_to_checkout(bob: Customer) -> None:
    policy = bob.browser.get("/billing").headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:" in policy


def test_a_receipt_is_stripes_invoice(bob: Customer, desk: Desk) -> None:
    checkout.fulfil(desk.bought(bob))
    answer = bob.browser.get(f"/billing/receipts/{purchase_of(bob.account).pk}")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{desk.url}/pay/invoices/in_")


def test_an_automatic_purchase_has_stripes_receipt(bob: Customer, desk: Desk) -> None:
    topups.low(desk, bob)
    topup.attempt(bob.account)
    answer = bob.browser.get(f"/billing/receipts/{topups.top_ups(bob)[0].pk}")
    assert answer.headers["Location"].startswith(f"{desk.url}/pay/receipts/ch_")


def test_a_purchase_that_was_not_paid_has_no_receipt(bob: Customer, desk: Desk) -> None:
    desk.started(bob)
    path = f"/billing/receipts/{purchase_of(bob.account).pk}"
    assert bob.browser.get(path).status_code == 404


def test_a_receipt_is_its_buyers_alone(bob: Customer, charlie: Customer, desk: Desk) -> None:
    checkout.fulfil(desk.bought(bob))
    path = f"/billing/receipts/{purchase_of(bob.account).pk}"
    assert charlie.browser.get(path).status_code == 404
    assert "/account/login" in Client().get(path).headers["Location"]
    assert bob.browser.get(f"/billing/receipts/{uuid.uuid4()}").status_code == 404


@pytest.mark.parametrize("path", ["invoices", "billing_portal"])
def test_stripe_not_answering_is_said_on_the_billing_page(
    bob: Customer, desk: Desk, path: str
) -> None:
    checkout.fulfil(desk.bought(bob))
    desk.control("faults", path=f"/v1/{path}", status=400)
    browser = bob.browser
    if path == "invoices":
        address = f"/billing/receipts/{purchase_of(bob.account).pk}"
        answer = browser.get(address, follow=True)
    else:
        answer = browser.post("/billing/portal", follow=True)
    assert "The payment service does not answer." in answer.content.decode()
