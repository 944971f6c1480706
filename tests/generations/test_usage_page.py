"""Usage: by day, key and model, on a page and as CSV, to the micro-dollar."""

import csv
import html
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts import keys
from accounts.models import User
from billing import money
from billing.models import Transfer
from generations import catalog, film_mails, lifecycle, usage
from generations.models import Generation
from tests.cast import Customer
from tests.generations import stage

PAGE = "/account/usage"


def ask(customer: Customer, seconds: int, key: str = "", prompt: str = "") -> Generation:
    """Ask for a film, with a key of this name or on the website."""
    made = keys.issue(customer.account, customer.user, key)[0] if key else None
    picture = stage.upload(customer)
    model = catalog.IMAGE_TO_VIDEO
    inputs = model.clean(stage.body(picture, duration=seconds, resolution="720p", prompt=prompt))
    return lifecycle.request(
        customer.account, model, inputs, user=customer.user, api_key=made, upload=picture
    )


def shown(customer: Customer, days: int = 30) -> str:
    return html.unescape(customer.browser.get(f"{PAGE}?days={days}").content.decode())


def test_days_keys_and_models_add_up_to_the_ledger(
    alice: Customer, settle: Callable[[], None]
) -> None:
    ask(alice, 3, "web <shop>")
    ask(alice, 5)
    settle()
    used = usage.of(alice.account)
    captured = sum(one.amount_micros for one in Transfer.objects.filter(kind="capture"))
    for sums in ([used.total], used.by_day, used.by_key, used.by_model):
        assert sum(one.spent_micros for one in sums) == captured
        assert sum(one.jobs for one in sums) == 2
        assert sum(one.seconds for one in sums) == 8
    assert [one.name for one in used.by_key] == [usage.ON_THE_WEBSITE, "web <shop>"]
    page = shown(alice)
    assert money.display(captured) in page
    assert b"<shop>" not in alice.browser.get(PAGE).content


def test_what_failed_costs_nothing(alice: Customer) -> None:
    job = ask(alice, 3)
    lifecycle.cancel(job)
    total = usage.of(alice.account).total
    assert (total.jobs, total.failed, total.spent_micros, total.seconds) == (1, 1, 0, 0)


def test_older_days_are_asked_for(alice: Customer) -> None:
    job = ask(alice, 3)
    Generation.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(days=40))
    assert usage.of(alice.account, 30).total.jobs == 0
    assert usage.of(alice.account, 90).total.jobs == 1
    assert "Nothing was made in these days" in shown(alice, 30)
    assert len(usage.of(alice.account, 90).by_day) == 90


def test_the_csv_has_the_same_rows_and_no_formula(alice: Customer) -> None:
    ask(alice, 3, "=1+1")
    answer = alice.browser.get(f"{PAGE}.csv")
    rows = list(csv.reader(stage.read(answer).content.decode().splitlines()))
    assert tuple(rows[0]) == usage.HEADINGS
    (row,) = rows[1:]
    assert row[1] == "'=1+1"
    assert row[4:] == ["1", "0", "3", money.decimal(usage.of(alice.account).total.spent_micros)]


def test_nothing_of_others_is_counted(alice: Customer, charlie: Customer) -> None:
    ask(alice, 3)
    assert usage.of(charlie.account).total.jobs == 0


@pytest.mark.parametrize("days", ["", "0", "x", "31", "-7"])
def test_an_odd_number_of_days_means_thirty(alice: Customer, days: str) -> None:
    assert alice.browser.get(f"{PAGE}?days={days}").context["days"] == 30


# The mail when a film is ready.


def wants_mails(customer: Customer) -> None:
    User.objects.filter(pk=customer.user.pk).update(mails_films=True)


def test_a_ready_film_is_mailed_to_who_wants_that(
    alice: Customer, settle: Callable[[], None], mailoutbox: list[EmailMultiAlternatives]
) -> None:
    wants_mails(alice)
    job = ask(alice, 3, prompt="a <grey> horse")
    settle()
    assert film_mails.tell(job.pk.hex) == "told"
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == ([alice.user.email], "Your film is ready")
    page = str(mail.alternatives[0][0])
    for part in (str(mail.body), page):
        assert f"/films/{job.pk}" in part
    assert "a <grey> horse" in str(mail.body)
    assert "<grey>" not in page


@pytest.mark.parametrize("change", ["unwanted", "deleted", "hidden", "left"])
def test_nobody_is_mailed_who_should_not_be(
    alice: Customer,
    settle: Callable[[], None],
    mailoutbox: list[EmailMultiAlternatives],
    change: str,
) -> None:
    job = ask(alice, 3)
    settle()
    if change != "unwanted":
        wants_mails(alice)
    if change == "deleted":
        Generation.objects.filter(pk=job.pk).update(deleted_at=timezone.now())
    if change == "hidden":
        Generation.objects.filter(pk=job.pk).update(hidden_at=timezone.now())
    if change == "left":
        alice.account.memberships.all().delete()
    assert film_mails.tell(job.pk.hex) == "nobody to tell"
    assert mailoutbox == []


def test_the_mail_is_planned_for_films_of_the_website_alone(
    alice: Customer, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    jobs = [ask(alice, 3), ask(alice, 3, "web shop")]
    for wanted, planned in ((False, [0, 0]), (True, [1, 0])):
        User.objects.filter(pk=alice.user.pk).update(mails_films=wanted)
        for job, number in zip(jobs, planned, strict=True):
            with django_capture_on_commit_callbacks() as callbacks:
                film_mails.note(job)
            assert len(callbacks) == number
