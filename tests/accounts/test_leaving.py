"""The ways out: everything to take away, and the deletion of one's account."""

import io
import json
import zipfile
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.mail import EmailMessage
from django.test import Client

from accounts import keys, twins, webhooks
from accounts.access import Role
from accounts.models import Account, ApiKey, Event, User, WebhookEndpoint
from billing import alerts, ledger
from billing.models import Alert, Transfer
from generations import closing
from generations.models import Generation, Upload
from tests.accounts.teams import browser_of, join
from tests.accounts.test_sign_in import sign_in
from tests.cast import PASSWORD, Customer
from tests.generations import stage

DELETE = "/account/delete"


def zipped(browser: Client) -> zipfile.ZipFile:
    """What the button on the profile gives."""
    got = stage.read(browser.post("/account/export"))
    assert got.status == 200
    return zipfile.ZipFile(io.BytesIO(got.content))


def names(found: zipfile.ZipFile) -> set[str]:
    """What is in it, folders for their files."""
    return {name.split("/")[0] for name in found.namelist()}


def signed_in(customer: Customer) -> Client:
    """A browser in which the password was typed just now."""
    browser = Client()
    sign_in(browser, customer.user.email)
    browser.post("/account/reauthenticate/", {"password": PASSWORD})
    return browser


def said(customer: Customer, **more: str) -> dict[str, str]:
    return {"address": customer.user.email, **more}


@pytest.fixture
def film(alice: Customer, sandbox: str, settle: Any) -> Generation:
    """A film that Alice has made."""
    job = stage.job(alice, prompt="a secret horse")
    settle()
    return Generation.objects.get(pk=job.pk)


def test_an_owner_takes_everything_away(alice: Customer, film: Generation) -> None:
    found = zipped(alice.browser)
    assert names(found) == {
        *("readme.txt", "you.json", "account.json", "statement.csv", "jobs.json"),
        *("films", "pictures"),
    }
    assert found.testzip() is None
    (job,) = json.loads(found.read("jobs.json"))
    assert (job["id"], job["input"]["prompt"]) == (film.pk.hex, "a secret horse")
    assert len(found.read(job["film"])) == film.size
    assert json.loads(found.read("you.json"))["email"] == alice.user.email
    assert b"25.000000" in found.read("statement.csv") or b"25" in found.read("statement.csv")


def test_no_secret_is_taken_away(alice: Customer, sandbox: str) -> None:
    webhooks.add(alice.account, "https://hooks.example/x", list(Event))
    found = zipped(alice.browser)
    everything = b"".join(found.read(name) for name in found.namelist())
    key = ApiKey.objects.get()
    endpoint = WebhookEndpoint.objects.get()
    for secret in (alice.secret, key.digest, endpoint.secret, alice.user.password):
        assert secret.encode() not in everything
    assert key.prefix.encode() in everything


@pytest.mark.parametrize(
    ("role", "more"),
    [
        (Role.MEMBER, {"jobs.json"}),
        (Role.BILLING, {"account.json", "statement.csv"}),
    ],
)
def test_others_take_away_what_their_role_reaches(
    alice: Customer, film: Generation, role: str, more: set[str]
) -> None:
    dora = join(alice, "dora", role)
    found = zipped(browser_of(dora.user, alice.account))
    assert names(found) == {"readme.txt", "you.json"} | more
    if "jobs.json" in more:
        assert json.loads(found.read("jobs.json")) == [], "the film is Alice's"


def test_a_film_that_is_gone_leaves_the_rest(alice: Customer, film: Generation) -> None:
    Generation.objects.filter(pk=film.pk).update(video="films/gone.mp4")
    assert "films" not in names(zipped(alice.browser))


# Deleting.


def test_the_page_asks_for_the_password_again(alice: Customer) -> None:
    browser = alice.browser
    answer = browser.get(DELETE)
    assert answer.status_code == 302
    assert "/account/reauthenticate/" in answer["Location"]
    answer = browser.post(DELETE, said(alice, gives_up="on"))
    assert User.objects.get().is_active


def test_it_says_what_is_lost_and_needs_it_given_up(alice: Customer) -> None:
    browser = signed_in(alice)
    page = browser.get(DELETE).content.decode()
    assert "$25.00" in page
    browser.post(DELETE, said(alice))
    assert User.objects.get().is_active, "the credit was not given up"


@pytest.mark.parametrize("typed", ["", "delete", "rob@example.org"])
def test_anything_but_the_address_deletes_nothing(bob: Customer, typed: str) -> None:
    answer = signed_in(bob).post(DELETE, {"address": typed})
    assert answer.status_code == 200
    assert User.objects.get().is_active


def test_everything_that_opens_a_door_goes_at_once(
    alice: Customer, mailoutbox: list[EmailMessage]
) -> None:
    alerts.add(alice.account, alerts.Kind.LOW_BALANCE, 5_000_000)
    webhooks.add(alice.account, "https://hooks.example/x", list(Event))
    twin = twins.twin_of(alice.account)
    _, test_secret = keys.issue(twin, alice.user, "test")
    browser, other = signed_in(alice), signed_in(alice)
    answer = browser.post(DELETE, said(alice, gives_up="on"))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get()
    assert not user.is_active
    assert "alice" not in str(User.objects.values().get())
    assert "alice" not in str(list(Account.objects.values()))
    assert not EmailAddress.objects.exists()
    assert not Alert.objects.exists()
    assert not WebhookEndpoint.objects.exists()
    assert [keys.find(secret) for secret in (alice.secret, test_secret)] == [None, None]
    for one in (browser, other):
        assert one.get("/account/profile").status_code == 302
    assert sign_in(Client(), "alice@example.org").status_code == 200
    assert [mail.to for mail in mailoutbox] == [["alice@example.org"]]


def test_the_books_stay_and_add_up(alice: Customer, film: Generation) -> None:
    before = list(Transfer.objects.order_by("id").values())
    signed_in(alice).post(DELETE, said(alice, gives_up="on"))
    while closing.end_closed():
        pass
    assert list(Transfer.objects.order_by("id").values()) == before
    assert ledger.book(alice.account).balance_micros == 25_000_000 - film.paid_micros


def test_films_pictures_and_prompts_follow(alice: Customer, film: Generation) -> None:
    signed_in(alice).post(DELETE, said(alice, gives_up="on"))
    while closing.end_closed():
        pass
    job = Generation.objects.get()
    assert job.deleted_at is not None
    assert set(job.inputs) == {"duration", "resolution"}
    assert (job.video, job.price_micros) == ("", film.price_micros)
    assert not Upload.objects.exclude(file="", filename="").exists()
    account = Account.objects.get(pk=alice.account.pk)
    assert account.emptied_at is not None


def test_prompts_of_films_deleted_long_ago_go_too(alice: Customer, film: Generation) -> None:
    alice.post("/api/v3/predictions/delete", {"ids": [film.pk.hex]})
    assert "secret horse" in str(Generation.objects.values().get())
    signed_in(alice).post(DELETE, said(alice, gives_up="on"))
    while closing.end_closed():
        pass
    assert "secret horse" not in str(Generation.objects.values().get())


def test_what_waits_is_cancelled_and_what_runs_is_not_lost(alice: Customer, sandbox: str) -> None:
    waits, runs = stage.job(alice), stage.job(alice)
    Generation.objects.filter(pk=runs.pk).update(status="processing", upstream_id="x")
    page = signed_in(alice).get(DELETE).content.decode()
    assert "2 films are on their way" in page
    signed_in(alice).post(DELETE, said(alice, gives_up="on"))
    closing.end_closed()
    waits.refresh_from_db()
    runs.refresh_from_db()
    assert (waits.status, waits.deleted_at is not None) == ("failed", True)
    assert (runs.status, runs.deleted_at) == ("processing", None)
    assert Account.objects.get(pk=alice.account.pk).emptied_at is None


def test_an_owner_with_a_team_hands_over_first(alice: Customer) -> None:
    join(alice, "dora")
    browser = signed_in(alice)
    assert "Hand it over" in browser.get(DELETE).content.decode()
    browser.post(DELETE, said(alice, gives_up="on"))
    assert User.objects.get(pk=alice.user.pk).is_active


def test_a_member_leaves_the_team_with_its_films(alice: Customer, bob: Customer) -> None:
    alice.account.memberships.create(user=bob.user, role=Role.MEMBER)
    _, secret = keys.issue(alice.account, bob.user, "bob's")
    signed_in(bob).post(DELETE, said(bob))
    assert alice.account.memberships.count() == 1
    assert keys.find(secret) is None
    assert Account.objects.get(pk=alice.account.pk).closed_at is None
    assert Account.objects.get(pk=bob.account.pk).closed_at is not None


def test_an_operator_is_not_deleted_here(bob: Customer) -> None:
    bob.user.is_staff = True
    bob.user.save()
    signed_in(bob).post(DELETE, said(bob))
    assert User.objects.get().is_active


def test_the_address_can_be_used_again(bob: Customer) -> None:
    signed_in(bob).post(DELETE, said(bob))
    answer = Client().post("/account/signup/", {"email": "bob@example.org", "password1": PASSWORD})
    assert answer["Location"] == "/account/confirm-email/"
    assert User.objects.filter(email="bob@example.org").count() == 1
