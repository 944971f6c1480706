"""An operator looks at the site as a customer: sees it, changes nothing, and it is written down."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import stand_in
from accounts.acts import OperatorAct
from accounts.models import ApiKey, User
from billing.models import AutoTopUp
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage
from tests.generations.desk.operators import address, helper, said


def looking(olga: Customer, at: Customer) -> Client:
    """Return the operator's browser, looking as this customer."""
    browser = olga.browser
    answer = browser.post(address("user", "stand-in", at.user), said("They see no film"))
    assert answer.status_code == 302
    return browser


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_the_operator_sees_the_customers_pages_under_a_banner(
    alice: Customer, olga: Customer
) -> None:
    job = stage.job(alice)
    browser = looking(olga, alice)
    for page in ("/gallery", f"/films/{job.pk}", "/billing", "/account/profile"):
        shown = browser.get(page)
        assert shown.status_code == 200, page
        assert f"{olga.user.email} looks as {alice.user.email}." in text(shown)
    assert "$24.58" in text(browser.get("/billing"))


def test_it_ends_with_the_button_and_both_ends_are_written_down(
    alice: Customer, olga: Customer
) -> None:
    browser = looking(olga, alice)
    ended = browser.post("/account/stand-in/end")
    assert ended["Location"] == f"/admin/story/account/{alice.account.pk}/"
    assert "looks as" not in text(browser.get("/account/profile"))
    assert olga.user.email in text(browser.get("/account/profile"))
    told = OperatorAct.objects.order_by("id").values_list("what", "by__email", "about_id")
    about = (olga.user.email, str(alice.user.pk))
    assert list(told) == [
        ("looks as a customer", *about),
        ("looks as a customer no longer", *about),
    ]


@pytest.mark.parametrize(
    "page",
    [
        *("/account/keys", "/account/webhooks/secret", "/account/webhooks/add", "/billing"),
        *("/billing/portal", "/account/mode", "/create", "/account/password/change/"),
        *("/billing/test-credit", "/account/team/invite", "/account/email/"),
    ],
)
def test_nothing_can_be_changed_or_revealed(alice: Customer, olga: Customer, page: str) -> None:
    browser, keys = looking(olga, alice), ApiKey.objects.count()
    answer = browser.post(page, {"name": "mine", "pack": "25", "to": "test"})
    assert answer.status_code == 403
    assert "looks as" in text(answer), "the way out is always there"
    assert ApiKey.objects.count() == keys
    assert not Generation.objects.exists()


@pytest.mark.parametrize("page", ["/account/email/", "/account/password/change/"])
def test_pages_that_are_about_signing_in_stay_closed(
    alice: Customer, olga: Customer, page: str
) -> None:
    assert looking(olga, alice).get(page).status_code == 403


def test_no_card_is_named_and_no_receipt_opened(alice: Customer, olga: Customer) -> None:
    AutoTopUp.objects.create(
        account=alice.account,
        state=AutoTopUp.State.ON,
        threshold_micros=5_000_000,
        amount_micros=25_000_000,
        monthly_cap_micros=100_000_000,
        payment_method="pm_1",
        card_brand="visa",
        card_last4="4242",
    )
    assert "4242" in text(alice.browser.get("/billing"))
    browser = looking(olga, alice)
    assert "4242" not in text(browser.get("/billing"))
    receipt = "/billing/receipts/00000000-0000-0000-0000-000000000000"
    assert browser.get(receipt).status_code == 403


def test_nobody_looks_as_an_operator(olga: Customer, otto: Customer) -> None:
    browser = olga.browser
    page: Any = browser.post(address("user", "stand-in", otto.user), said())
    assert "Nobody looks as an operator" in text(page)
    assert otto.user.email not in text(browser.get("/account/profile"))


def test_who_becomes_an_operator_is_looked_at_no_longer(alice: Customer, olga: Customer) -> None:
    browser = looking(olga, alice)
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    assert olga.user.email in text(browser.get("/account/profile"))
    assert "looks as" not in text(browser.get("/account/profile"))


def test_it_ends_by_itself(
    alice: Customer, olga: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stand_in, "LIFE", -timedelta(seconds=1))
    browser = looking(olga, alice)
    assert "looks as" not in text(browser.get("/docs"))


def test_an_operator_who_loses_the_power_looks_no_longer(alice: Customer, olga: Customer) -> None:
    browser = looking(olga, alice)
    User.objects.filter(pk=olga.user.pk).update(is_staff=False, is_superuser=False)
    assert "looks as" not in text(browser.get("/account/profile"))


def test_only_those_look_who_were_given_it(alice: Customer) -> None:
    clerk = helper("clerk", "view_account")
    assert clerk.browser.post(address("user", "stand-in", alice.user), said()).status_code == 403
    assert not OperatorAct.objects.exists()


def test_a_customer_cannot_begin_by_a_session_of_her_own(alice: Customer, bob: Customer) -> None:
    browser = alice.browser
    session = browser.session
    session[stand_in.LOOKS_AS] = {
        "user": bob.user.pk,
        "until": "2999-01-01T00:00:00+00:00",
        "account": str(bob.account.pk),
    }
    session.save()
    assert alice.user.email in text(browser.get("/account/profile"))
    assert bob.user.email not in text(browser.get("/account/profile"))


def test_nothing_of_the_customers_tells_of_it(alice: Customer, olga: Customer) -> None:
    before = User.objects.values().get(pk=alice.user.pk)
    looking(olga, alice).get("/gallery")
    assert User.objects.values().get(pk=alice.user.pk) == before
