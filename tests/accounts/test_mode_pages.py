"""The switch between live and test mode, and what pages show while it is on."""

import pytest
from django.test import Client

from accounts.models import Account, Membership, Mode, WebhookEndpoint
from accounts.twins import twin_of
from billing.models import Purchase
from generations.models import Generation
from tests.accounts.test_key_detail_page import colleague
from tests.cast import Customer
from tests.generations import stage

BAR = "nothing here costs money; films are drawn by the sandbox."


def text(browser: Client, path: str) -> str:
    answer = browser.get(path, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def switch(browser: Client, to: str, page: str = "") -> str:
    """Press the switch and return where it leads."""
    answer = browser.post("/account/mode", {"to": to, "next": page})
    assert answer.status_code == 302
    return str(answer["Location"])


def test_the_switch_shows_the_twin_on_every_page_until_it_is_switched_off(alice: Customer) -> None:
    browser = alice.browser
    assert BAR not in text(browser, "/gallery")

    switch(browser, "test")
    for path in ("/gallery", "/create", "/billing", "/account/keys", "/account/webhooks", "/docs"):
        assert BAR in text(browser, path), path
        assert "$100.00" in text(browser, path), path
    switch(browser, "live")

    assert BAR not in text(browser, "/gallery")
    assert "$25.00" in text(browser, "/gallery")


def test_the_menu_says_whether_it_is_on(alice: Customer) -> None:
    browser = alice.browser
    assert 'role="switch" aria-checked="false"' in text(browser, "/gallery")
    switch(browser, "test")
    assert 'role="switch" aria-checked="true"' in text(browser, "/gallery")


@pytest.mark.parametrize(
    ("page", "after"),
    [
        ("/create", "/create"),
        ("/account/keys", "/account/keys"),
        ("/films/5a1f6f5e-9d4a-4b7e-8a0e-0c5c3a1f7d11", "/gallery"),
        ("/nowhere", "/gallery"),
        ("https://elsewhere.example/billing", "/gallery"),
        ("//elsewhere.example/billing", "/gallery"),
        ("", "/gallery"),
    ],
)
def test_it_leads_back_to_pages_that_there_are_in_both_modes(
    page: str, after: str, alice: Customer
) -> None:
    assert switch(alice.browser, "test", page) == after


def test_it_is_pressed_not_followed_and_by_who_is_signed_in(alice: Customer) -> None:
    assert alice.browser.get("/account/mode").status_code == 405
    answer = Client().post("/account/mode", {"to": "test"})
    assert answer["Location"].startswith("/account/login/")
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert careful.post("/account/mode", {"to": "test"}).status_code == 403


def test_anything_but_test_is_live(alice: Customer) -> None:
    browser = alice.browser
    for said in ("", "TEST", "sandbox"):
        switch(browser, said)
        assert BAR not in text(browser, "/gallery")
    assert not Account.objects.filter(mode=Mode.TEST).exists()


def test_it_ends_with_the_session(alice: Customer) -> None:
    browser = alice.browser
    switch(browser, "test")
    browser.logout()
    browser.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert BAR not in text(browser, "/gallery")


# What the pages do.


def test_a_film_that_is_asked_for_in_test_mode_is_a_test_job(tess: Customer) -> None:
    picture = stage.upload(tess)
    said = {"kept": str(picture.pk), "resolution": "720p", "duration": "3", "mode": "test"}

    answer = tess.browser.post("/create", said)

    job = Generation.objects.get()
    assert answer["Location"] == f"/films/{job.pk}"
    assert (job.test, job.account, job.user) == (True, tess.account, tess.user)


def test_keys_that_are_made_in_test_mode_are_test_keys(tess: Customer) -> None:
    page = tess.browser.post("/account/keys", {"name": "my tests", "access": "all"})
    content = page.content.decode()
    assert "gal_test_" in content
    assert "These are test keys." in content
    key = tess.account.api_keys.get(name="my tests")
    assert key.mode == Mode.TEST
    assert not tess.account.of_members.api_keys.filter(name="my tests").exists()


def test_the_billing_page_gives_test_credit_and_sells_nothing(tess: Customer) -> None:
    page = text(tess.browser, "/billing")
    assert "Test credit" in page
    assert 'id="refill"' in page
    for form in ("buy-form", "code-form", "terms-form"):
        assert f'id="{form}"' not in page


def test_the_button_fills_up_what_was_spent_once_a_minute(tess: Customer) -> None:
    browser = tess.browser
    stage.job(tess)
    # The first credit was given a moment ago.
    page = browser.post("/billing/test-credit", follow=True).content.decode()
    assert "Wait a minute." in page
    assert tess.available_micros == 100_000_000 - stage.PRICE_SHORT_MICROS


def test_the_button_gives_live_accounts_nothing(alice: Customer) -> None:
    page = alice.browser.post("/billing/test-credit", follow=True).content.decode()
    assert "Only an account in test mode has test credit." in page
    assert alice.balance_micros == 25_000_000


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/billing", {"pack": "25"}),
        ("/billing/code", {"code": "HORSE"}),
        (
            "/billing/top-up",
            {"threshold_micros": "20", "amount_micros": "25", "monthly_cap_micros": "100"},
        ),
        ("/billing/top-up/off", {}),
        ("/billing/top-up/resume", {}),
        ("/billing/portal", {}),
    ],
)
def test_what_has_to_do_with_real_money_is_closed_in_test_mode(
    path: str, said: dict[str, str], tess: Customer
) -> None:
    answer = tess.browser.post(path, said, follow=True)
    assert answer.redirect_chain == [("/billing", 302)]
    assert "Nothing costs money in test mode" in answer.content.decode()
    assert not Purchase.objects.exists()


def test_webhooks_of_the_two_modes_are_apart(tess: Customer, alice: Customer) -> None:
    said = {"url": "https://hooks.example/test", "events": "generation.completed"}
    assert tess.browser.post("/account/webhooks/add", said).status_code == 200
    assert WebhookEndpoint.objects.get().account == tess.account
    assert "hooks.example" not in text(alice.browser, "/account/webhooks")


# Two windows, and the switch is pressed in one of them.


@pytest.mark.parametrize("opened_in", ["live", "test"])
def test_a_form_that_was_opened_in_the_other_mode_makes_no_film(
    opened_in: str, alice: Customer, tess: Customer
) -> None:
    now = tess if opened_in == "live" else alice
    picture = stage.upload(now)
    said = {"kept": str(picture.pk), "resolution": "720p", "duration": "3", "mode": opened_in}

    page = now.browser.post("/create", said)

    assert page.status_code == 200
    assert "since you opened this page" in page.content.decode()
    assert not Generation.objects.exists()


def test_a_form_that_was_opened_in_the_other_mode_makes_no_key(alice: Customer) -> None:
    before = alice.account.api_keys.count()
    page = alice.browser.post("/account/keys", {"name": "x", "access": "all", "mode": "test"})
    assert "since you opened this page" in page.content.decode()
    assert alice.account.api_keys.count() == before


def test_a_page_that_was_opened_in_the_other_mode_is_sent_for_anew(
    alice: Customer, tess: Customer
) -> None:
    for customer, other in ((alice, "test"), (tess, "live")):
        headers = {"HX-Request": "true", "X-Mode": other}
        answer = customer.browser.get("/gallery", headers=headers)
        assert (answer["HX-Refresh"], answer.content) == ("true", b"")
        same = customer.browser.get(
            "/gallery", headers={**headers, "X-Mode": customer.account.mode}
        )
        assert "HX-Refresh" not in same


# Who may.


@pytest.mark.parametrize("role", Membership.Role)
def test_who_belongs_to_the_account_may_do_the_same_in_its_twin(
    role: Membership.Role, alice: Customer
) -> None:
    browser = colleague(alice, role)
    twin = twin_of(alice.account)
    counts = []
    for account in (alice.account, twin):
        switch(browser, account.mode)
        browser.post("/account/keys", {"name": f"of {role}", "access": "all"})
        counts.append(account.api_keys.filter(name=f"of {role}").count())
    assert counts[0] == counts[1]
