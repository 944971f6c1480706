"""A key's cap: set aside with the hold, given back with it, and never passed by a burst."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import keys
from accounts.models import ApiKey
from billing import caps, ledger
from billing.models import Hold, KeySpend, LedgerAccount, Transfer
from generations import catalog, failures, key_usage, lifecycle
from generations.models import Generation
from generations.storage import Film
from tests.billing.races import together
from tests.cast import Customer
from tests.generations import stage

DOLLAR = 1_000_000
# A job of 5 s at 720p.
PRICE = 700_000
FAILURE = failures.CANCELLED


def capped(customer: Customer, dollars: float, period: str = "day") -> ApiKey:
    """Give the customer's key a cap."""
    key = ApiKey.objects.select_related("account").get(account=customer.account)
    with transaction.atomic():
        key_usage.set_cap(key, int(dollars * DOLLAR), period)
    return ApiKey.objects.select_related("account").get(pk=key.pk)


def ask(key: ApiKey, seconds: int = 5) -> Generation:
    """Request a job with the key."""
    inputs = catalog.IMAGE_TO_VIDEO.clean({"image": "https://p.test/a.jpg", "duration": seconds})
    return lifecycle.request(key.account, catalog.IMAGE_TO_VIDEO, inputs, api_key=key)


def spent(key: ApiKey, at: datetime | None = None) -> int:
    """Return what is counted in the period of now, or of another moment."""
    standing = caps.standing_of(key, at)
    assert standing is not None
    return standing.spent_micros


def complete(job: Generation, seconds: int = 5) -> None:
    """End a job with a film of so many seconds."""
    assert lifecycle.start_submit(job, "https://pictures.test/a")
    assert lifecycle.accept(job, job.id.hex, timedelta())
    files = ("v.mp4", "p.jpg", "s.jpg", "w.mp4", "p.webp")
    film = Film(*files, 1280, 720, 24 * seconds, seconds * 1000, 1, "0")
    assert lifecycle.finish(job, film)


def give(customer: Customer, dollars: int) -> None:
    ledger.deposit(
        customer.account,
        dollars * DOLLAR,
        source=LedgerAccount.Code.PROMOTIONS,
        kind=Transfer.Kind.PROMOTION,
        reference=f"more for {customer.account}",
    )


@pytest.mark.django_db(transaction=True)
def test_of_a_hundred_parallel_submits_under_five_dollars_a_day_exactly_seven_pass(
    alice: Customer,
) -> None:
    give(alice, 100)
    key = capped(alice, 5)

    def submit() -> Any:
        return alice.post(stage.MODEL, {"image": "https://p.test/a.jpg"})

    answers: list[Any] = together([submit] * 100)

    passed = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 402]
    assert (len(passed), len(refused)) == (7, 93), {answer.status_code for answer in answers}
    assert Generation.objects.count() == Hold.objects.count() == 7
    assert spent(key) == 7 * PRICE
    assert ledger.book(alice.account).held_micros == 7 * PRICE
    assert refused[0].json()["data"]["remaining"] == 0.1


def test_a_refusal_says_what_is_left_and_until_when(alice: Customer) -> None:
    capped(alice, 1)
    assert alice.post(stage.MODEL, {"image": "https://p.test/a.jpg"}).status_code == 200

    answer = alice.post(stage.MODEL, {"image": "https://p.test/a.jpg"})

    assert answer.status_code == 402
    said = answer.json()
    midnight = caps.end_of("day", caps.start_of("day", timezone.now()))
    assert said["message"].startswith(
        "This costs $0.70. This key may spend $1.00 a day, and $0.30 of that is left until "
        f"{midnight:%Y-%m-%d} 00:00 UTC. You were not charged."
    )
    assert "Raise the cap at" in said["message"]
    facts = {name: said["data"][name] for name in ("price", "cap", "cap_period", "spent")}
    assert facts == {"price": 0.7, "cap": 1.0, "cap_period": "day", "spent": 0.7}
    assert said["data"]["resets_at"] == f"{midnight:%Y-%m-%d}T00:00:00.000Z"
    assert alice.available_micros == 25 * DOLLAR - PRICE


def test_a_price_above_the_whole_cap_is_refused_at_once(alice: Customer) -> None:
    key = capped(alice, 0.5)
    with pytest.raises(caps.CapReached, match=r"\$0\.50 of that is left"):
        ask(key)
    assert spent(key) == 0
    assert alice.available_micros == 25 * DOLLAR


def test_a_cap_may_be_spent_to_the_last_micro_dollar(alice: Customer) -> None:
    key = capped(alice, 1.4)
    ask(key)
    ask(key)
    assert caps.standing_of(key) == caps.Standing(
        1_400_000, "day", 1_400_000, caps.end_of("day", caps.start_of("day", timezone.now()))
    )


def test_without_credit_nothing_counts(bob: Customer) -> None:
    key = capped(bob, 5)
    with pytest.raises(ledger.InsufficientCredit):
        ask(key)
    assert spent(key) == 0


def test_a_key_without_a_cap_and_the_website_are_not_counted(alice: Customer) -> None:
    ask(ApiKey.objects.select_related("account").get())
    stage.job(alice)
    assert not KeySpend.objects.exists()


def test_another_key_has_a_cap_of_its_own(alice: Customer) -> None:
    key = capped(alice, 0.7)
    other, _ = keys.issue(alice.account, alice.user, "other")
    ask(key)
    ask(other)
    with pytest.raises(caps.CapReached):
        ask(key)


@pytest.mark.parametrize("ending", [lifecycle.cancel, lambda job: lifecycle.fail(job, FAILURE)])
def test_what_fails_is_given_back_once(
    alice: Customer, ending: Callable[[Generation], bool]
) -> None:
    key = capped(alice, 0.7)
    job = ask(key)
    assert ending(job)
    assert not ending(job)
    assert spent(key) == 0
    ask(key)


def test_what_comes_out_shorter_gives_the_rest_back(alice: Customer) -> None:
    key = capped(alice, 1)
    complete(ask(key), seconds=3)
    assert spent(key) == 420_000
    complete(ask(key, seconds=4))
    assert spent(key) == 980_000


@pytest.mark.parametrize(
    ("period", "moment", "start", "end"),
    [
        ("day", (2026, 3, 1, 23, 59), (2026, 3, 1), (2026, 3, 2)),
        ("week", (2026, 3, 1, 23, 59), (2026, 2, 23), (2026, 3, 2)),
        ("week", (2026, 3, 2, 0, 0), (2026, 3, 2), (2026, 3, 9)),
        ("week", (2027, 1, 1, 0, 0), (2026, 12, 28), (2027, 1, 4)),
        ("month", (2026, 2, 28, 23, 59), (2026, 2, 1), (2026, 3, 1)),
        ("month", (2026, 12, 31, 23, 59), (2026, 12, 1), (2027, 1, 1)),
        ("month", (2028, 2, 29, 12, 0), (2028, 2, 1), (2028, 3, 1)),
    ],
)
def test_periods_are_those_of_utc_and_the_database_agrees(
    alice: Customer,
    period: str,
    moment: tuple[int, ...],
    start: tuple[int, ...],
    end: tuple[int, ...],
) -> None:
    at = datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type,misc]  # the stubs count no stars
    key = capped(alice, 5, period)
    with transaction.atomic():
        caps.reserve(key, PRICE, at)
    since = caps.start_of(period, at)
    assert since == datetime(*start, tzinfo=UTC)  # type: ignore[arg-type,misc]
    assert caps.end_of(period, since) == datetime(*end, tzinfo=UTC)  # type: ignore[arg-type,misc]
    assert KeySpend.objects.get(key=key, since=since).spent_micros == PRICE


def test_a_job_counts_in_the_period_of_its_submit_and_goes_back_there(alice: Customer) -> None:
    key = capped(alice, 0.7)
    today = timezone.now()
    tomorrow = today + timedelta(days=1)
    with transaction.atomic():
        caps.reserve(key, PRICE, today)
        caps.reserve(key, PRICE, tomorrow)
    caps.give_back(key.pk, PRICE, today)
    assert (spent(key, today), spent(key, tomorrow)) == (0, PRICE)


def test_a_new_cap_counts_what_is_spent_in_its_period_already(alice: Customer) -> None:
    key = ApiKey.objects.select_related("account").get()
    complete(ask(key), seconds=3)
    running = ask(key)
    lifecycle.fail(ask(key), FAILURE)
    old = ask(key)
    Generation.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=40))

    key = capped(alice, 2)

    assert spent(key) == 420_000 + PRICE
    lifecycle.fail(running, FAILURE)
    old.refresh_from_db()
    lifecycle.fail(old, FAILURE)
    assert spent(key) == 420_000


def test_another_period_is_counted_anew(alice: Customer) -> None:
    key = capped(alice, 5)
    job = ask(key)
    key = capped(alice, 5, "month")
    assert spent(key) == PRICE
    lifecycle.fail(job, FAILURE)
    assert spent(key) == 0
    assert KeySpend.objects.count() == 1


def test_the_same_cap_again_changes_nothing(alice: Customer) -> None:
    key = capped(alice, 5)
    ask(key)
    before = KeySpend.objects.values_list("pk", "spent_micros").get()
    capped(alice, 5)
    assert KeySpend.objects.values_list("pk", "spent_micros").get() == before


def test_a_cap_below_what_is_spent_leaves_nothing(alice: Customer) -> None:
    key = capped(alice, 5)
    ask(key)
    key = capped(alice, 0.1)
    standing = caps.standing_of(key)
    assert standing is not None
    assert (standing.spent_micros, standing.remaining_micros) == (PRICE, 0)
    with pytest.raises(caps.CapReached):
        ask(key, seconds=3)


def test_without_the_cap_everything_goes_again(alice: Customer) -> None:
    key = capped(alice, 0.7)
    job = ask(key)
    with transaction.atomic():
        key_usage.set_cap(key, None, "")
    ask(key)
    lifecycle.fail(job, FAILURE)
    assert not KeySpend.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_cap_that_is_set_in_the_middle_of_submits_misses_none(alice: Customer) -> None:
    give(alice, 100)
    key = ApiKey.objects.select_related("account").get()

    def limit() -> None:
        capped(alice, 3)

    together([partial(_try, key)] * 20 + [limit] + [partial(_try, key)] * 20)

    key = ApiKey.objects.get()
    since = caps.start_of("day", timezone.now())
    assert spent(key) == key_usage.of_keys([key], since)[key.pk].spent_micros


@pytest.mark.django_db(transaction=True)
def test_a_cap_that_is_set_while_jobs_fail_counts_each_once(alice: Customer) -> None:
    key = ApiKey.objects.select_related("account").get()
    jobs = [ask(key) for _ in range(10)]

    def limit() -> None:
        capped(alice, 20)

    works: list[Callable[[], object]] = [partial(lifecycle.fail, job, FAILURE) for job in jobs]
    together([*works[:5], limit, *works[5:]])

    assert spent(ApiKey.objects.get()) == 0


def _try(key: ApiKey) -> None:
    try:
        ask(key)
    except caps.CapReached:
        return


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"cap_micros": 5}, "api_key_cap_has_period"),
        ({"cap_micros": 0, "cap_period": "day"}, "api_key_cap_has_period"),
        ({"cap_micros": 5, "cap_period": "year"}, "api_key_cap_has_period"),
        ({"cap_micros": None, "cap_period": "day"}, "api_key_cap_has_period"),
    ],
)
def test_the_database_refuses_half_a_cap(
    alice: Customer, changes: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ApiKey.objects.update(**changes)


def test_the_database_refuses_less_than_nothing_and_two_rows_for_a_period(
    alice: Customer,
) -> None:
    key = capped(alice, 5)
    row = KeySpend.objects.get()
    with pytest.raises(IntegrityError, match="key_spend_not_negative"), transaction.atomic():
        caps.give_back(key.pk, PRICE, timezone.now())
    with pytest.raises(IntegrityError, match="key_spend_once"), transaction.atomic():
        KeySpend.objects.create(key=key, since=row.since, spent_micros=0)


def test_a_key_tells_what_it_is(alice: Customer) -> None:
    capped(alice, 5, "week")
    alice.post(stage.MODEL, {"image": "https://p.test/a.jpg"})

    said = alice.get("/api/v3/key").json()["data"]

    monday = caps.end_of("week", caps.start_of("week", timezone.now()))
    assert said["resets_at"] == f"{monday:%Y-%m-%d}T00:00:00.000Z"
    money = {name: said[name] for name in ("cap", "cap_period", "spent", "remaining")}
    assert money == {"cap": 5.0, "cap_period": "week", "spent": 0.7, "remaining": 4.3}
    rules = {name: said[name] for name in ("name", "mode", "scopes", "expires_at")}
    assert rules == {
        "name": "tests",
        "mode": "live",
        "scopes": ["submit", "read", "billing"],
        "expires_at": None,
    }
    assert said["prefix"] == alice.secret[:15]
    assert alice.secret not in str(said)


def test_a_key_without_a_cap_says_so(alice: Customer) -> None:
    said = alice.get("/api/v3/key").json()["data"]
    names = ("cap", "cap_period", "spent", "remaining", "resets_at")
    assert {name: said[name] for name in names} == dict.fromkeys(names)


@pytest.mark.django_db
def test_without_a_key_nothing_is_told() -> None:
    assert Client().get("/api/v3/key").status_code == 401
