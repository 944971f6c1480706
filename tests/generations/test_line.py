"""The line in front of the upstream: the place that is told is the place that is dealt."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import Account
from generations import line, pace, places
from generations.line import Crowd
from generations.models import EXPECTED_SECONDS, Generation, Turn, UpstreamState
from generations.pace import Span
from tests.cast import Customer
from tests.generations import crowd, stage
from tests.generations.crowd import Party
from tests.generations.stage import Status

PARTIES = st.lists(
    st.builds(
        Party,
        waiting=st.integers(0, 5),
        running=st.integers(0, 4),
        served=st.none() | st.integers(1, 4),
    ),
    min_size=1,
    max_size=6,
)
CLIMB = [Party(3, 0, 1), Party(2, 1, 2), Party(4, 2), Party(0, 3), Party(1, 0)]


@pytest.fixture(autouse=True)
def _counted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every question answered from the tables as they are."""
    monkeypatch.setattr(line, "FRESH_SECONDS", 1e-9)


@contextmanager
def undone() -> Iterator[None]:
    """Take back what is written, so that the next example finds the tables empty."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ids(order: Sequence[tuple[UUID, int]]) -> list[UUID]:
    """Return the jobs that are meant by an account and which of its own jobs."""
    jobs: dict[UUID, list[UUID]] = {}
    for account, pk in (
        Generation.objects.filter(status=Status.CREATED)
        .order_by("created_at", "id")
        .values_list("account_id", "id")
    ):
        jobs.setdefault(account, []).append(pk)
    return [jobs[account][nth] for account, nth in order]


def told() -> list[UUID]:
    """Return all waiting jobs by the places that they are told, and check that these are apart."""
    waiting = Generation.objects.filter(status=Status.CREATED)
    found = {job.pk: line.place_of(job) for job in waiting}
    known = {place.before: pk for pk, place in found.items() if place}
    assert len(known) == len(found)
    assert sorted(known) == list(range(len(known)))
    return [known[before] for before in sorted(known)]


@pytest.mark.django_db
@given(PARTIES)
@example(CLIMB)
@hypothesis_settings(max_examples=40, deadline=None)
def test_the_places_told_are_those_that_are_dealt(parties: list[Party]) -> None:
    with undone():
        people = crowd.gather(parties)
        fair = ids(crowd.dealt_one_by_one(parties, people))
        assert told() == fair
        assert [job.pk for job in places.claim(100)] == fair


@pytest.mark.django_db
@given(PARTIES)
@example(CLIMB)
@hypothesis_settings(max_examples=20, deadline=None)
def test_places_dealt_one_by_one_go_to_the_same_jobs(parties: list[Party]) -> None:
    with undone():
        people = crowd.gather(parties)
        fair = ids(crowd.dealt_one_by_one(parties, people))
        assert [job.pk for _ in fair for job in places.claim(1)] == fair
        assert places.claim(1) == []


@hypothesis_settings(deadline=None)
@given(PARTIES, st.data())
@example(CLIMB, None)
def test_counts_alone_tell_how_many_come_before(
    parties: list[Party], data: st.DataObject | None
) -> None:
    people = [Account(pk=UUID(int=n)) for n in range(len(parties))]
    order = crowd.dealt_one_by_one(parties, people)
    served = [-1_000_000 if party.served is None else -party.served for party in parties]
    looking = 0 if data is None else data.draw(st.integers(0, len(parties) - 1))
    others = [
        Crowd(1, party.waiting, party.running, (served[n], n) < (served[looking], looking))
        for n, party in enumerate(parties)
        if n != looking
    ]

    for nth in range(1, parties[looking].waiting + 1):
        before = line.jobs_before(nth, parties[looking].running, others)
        assert order[before] == (people[looking].pk, nth - 1)


def test_accounts_that_look_alike_count_together() -> None:
    apart = [Crowd(1, 4, 1, goes_first=True)] * 7

    assert line.jobs_before(3, 0, [Crowd(7, 4, 1, goes_first=True)]) == line.jobs_before(
        3, 0, apart
    )


def test_a_job_with_a_place_stands_in_line_no_more(alice: Customer) -> None:
    first, second = stage.job(alice), stage.job(alice)

    assert [job.pk for job in places.claim(1)] == [first.pk]

    assert line.place_of(stage.fresh(first)) is None
    place = line.place_of(second)
    assert place is not None
    assert place.before == 0


def test_a_job_that_is_to_be_tried_again_later_keeps_its_place(alice: Customer) -> None:
    first, second = stage.job(alice), stage.job(alice)
    Generation.objects.filter(pk=first.pk).update(due_at=timezone.now() + timedelta(minutes=5))

    assert [line.place_of(job) for job in (first, second)] == [
        line.Place(0, None, None),
        line.Place(1, None, None),
    ]


def test_a_claim_that_ran_out_stands_in_line_again(alice: Customer) -> None:
    job = stage.job(alice)
    places.claim(1)
    Generation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    assert line.place_of(job) is not None


def test_others_show_as_a_number_and_nothing_else(alice: Customer, charlie: Customer) -> None:
    others = [stage.job(charlie, prompt="a secret wish") for _ in range(3)]
    Turn.objects.create(account=alice.account)
    mine = stage.job(alice)

    markup = alice.browser.get(f"/films/{mine.pk}").content.decode()

    assert '<span class="mono">1</span> before you' in markup
    assert not any(str(job.pk) in markup for job in others)
    assert "charlie" not in markup
    assert "secret" not in markup


@pytest.mark.django_db
def test_pages_share_the_counting_and_ask_two_questions_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(line, "FRESH_SECONDS", 1e9)
    people = crowd.gather([Party(40), Party(1), *[Party(3, 2)] * 5])
    pace.lately()
    jobs = list(Generation.objects.filter(account=people[0]))

    for questions in (3, 2, 2):
        with CaptureQueriesContext(connection) as asked:
            assert len(line.outlooks(jobs)) == 40
        assert len(asked) == questions


def test_who_came_after_the_counting_has_a_place_too(
    alice: Customer, charlie: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "FRESH_SECONDS", 1e9)
    first = stage.job(alice)
    assert line.place_of(first) == line.Place(0, None, None)

    place = line.place_of(stage.job(charlie))

    assert place is not None
    assert place.before in {0, 1}


def finish_some(account: Account, *seconds: float, resolution: str = "720p") -> None:
    """Let jobs end now that ran for so long."""
    for ran in seconds:
        inputs = {**stage.SHORT, "resolution": resolution}
        crowd.finished(account, ran, inputs=inputs)
    pace.forget()


def test_the_time_a_job_takes_is_that_of_its_like_lately(alice: Customer) -> None:
    finish_some(alice.account, 100, 110, 120)
    finish_some(alice.account, 300, 300, 300, 300, resolution="1080p")
    short, tall = crowd.job(alice.account), crowd.job(alice.account)
    tall.inputs["resolution"] = "1080p"

    lately = pace.lately()

    assert lately.run(short).low == pytest.approx(102)
    assert lately.run(short).high == pytest.approx(118)
    assert lately.run(tall).middle == pytest.approx(300)
    assert lately.seconds_per_job == pytest.approx((330 + 1200) / 7)


def test_too_few_of_a_kind_are_reckoned_as_all_are(alice: Customer) -> None:
    finish_some(alice.account, 50, 50, 50)
    finish_some(alice.account, 500, resolution="1080p")
    tall = crowd.job(alice.account)
    tall.inputs["resolution"] = "1080p"

    assert pace.lately().run(tall) == pace.lately().overall


def test_when_nothing_ended_lately_the_usual_is_expected(alice: Customer) -> None:
    long_ago = timezone.now() - pace.WINDOW - timedelta(seconds=1)
    for _ in range(5):
        crowd.finished(alice.account, 500, finished_at=long_ago, submitted_at=long_ago)

    lately = pace.lately()

    assert lately.known(crowd.job(alice.account)) is None
    assert lately.run(crowd.job(alice.account)) == Span(EXPECTED_SECONDS, EXPECTED_SECONDS)


def test_what_was_learnt_is_kept_for_a_moment(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long a moment that the test cannot sit astride two of them.
    monkeypatch.setattr(pace, "FRESH_SECONDS", 1e9)
    before = pace.lately()
    for _ in range(3):
        crowd.finished(alice.account, 500)

    assert pace.lately() is before
    pace.forget()
    assert pace.lately().mean_seconds == pytest.approx(500)


def test_the_limit_at_once_tells_when_a_job_starts(alice: Customer, settings: Settings) -> None:
    settings.WAVESPEED_CONCURRENCY = 2
    finish_some(alice.account, 60, 60, 60)
    crowd.running(alice.account, timezone.now()).save(force_insert=True)
    found = [line.place_of(stage.job(alice)) for _ in range(4)]

    starts = [place.starts for place in found if place]
    ends = [place.ends for place in found if place]

    # One place is free; the others wait for 1, 2, 3 ends, of which there are two a minute.
    assert starts == [Span(0, 0), Span(0, 30), Span(30, 60), Span(60, 90)]
    assert ends[-1] == Span(120, 150)


def test_the_limit_a_minute_tells_when_a_job_starts(alice: Customer, settings: Settings) -> None:
    settings.WAVESPEED_PER_MINUTE = 2
    found = [line.place_of(stage.job(alice)) for _ in range(3)]

    assert [place.starts for place in found if place] == [
        Span(0, 32.5),
        Span(0, 65),
        Span(32.5, 97.5),
    ]


def test_the_tighter_limit_decides(alice: Customer, settings: Settings) -> None:
    settings.WAVESPEED_PER_MINUTE, settings.WAVESPEED_CONCURRENCY = 1, 100

    place = line.place_of(stage.job(alice))

    assert place is not None
    assert place.starts == Span(0, 65)


def test_a_limit_learnt_from_a_429_counts_too(alice: Customer) -> None:
    stage.processing(alice)
    places.lower_ceiling()

    place = line.place_of(stage.job(alice))

    assert place is not None
    assert place.starts == Span(0, EXPECTED_SECONDS)


def test_without_a_limit_or_in_trouble_no_time_is_told(alice: Customer, settings: Settings) -> None:
    job = stage.job(alice)
    assert line.place_of(job) == line.Place(0, None, None)

    settings.WAVESPEED_CONCURRENCY = 5
    assert line.place_of(job) != line.Place(0, None, None)
    places.note_trouble(UpstreamState.Trouble.MONEY, "Insufficient credits")
    assert line.place_of(job) == line.Place(0, None, None)


def run_for(job: Generation, seconds: float) -> Generation:
    """Have a job be upstream for so long already."""
    since = timezone.now() - timedelta(seconds=seconds)
    Generation.objects.filter(pk=job.pk).update(submitted_at=since)
    return stage.fresh(job)


def test_a_running_job_has_what_is_left_of_the_usual_time(alice: Customer) -> None:
    finish_some(alice.account, *range(60, 161, 10))
    job = run_for(stage.processing(alice), 40)

    left = line.expected_end(job)

    assert left is not None
    assert left.low == pytest.approx(30, abs=1)
    assert left.high == pytest.approx(110, abs=1)
    outlook = line.outlooks([job])[job.pk]
    # Past 40 of 110 s: the first frame, and 4 of the other 11.
    assert (outlook.filled, outlook.late, outlook.place) == (5, False, None)


def test_a_job_later_than_most_is_promised_nothing(alice: Customer) -> None:
    finish_some(alice.account, 10, 10, 10)
    job = run_for(stage.processing(alice), 20)

    assert line.expected_end(job) is None
    assert line.outlooks([job])[job.pk].late


def test_nobody_is_called_late_by_a_guess(alice: Customer) -> None:
    job = run_for(stage.processing(alice), EXPECTED_SECONDS + 5)

    outlook = line.outlooks([job])[job.pk]

    assert (outlook.ends, outlook.late) == (None, False)


@pytest.mark.parametrize("changes", [{"status": "in_doubt"}, {"fetching_since": timezone.now()}])
def test_what_nobody_knows_has_no_time(changes: dict[str, object], alice: Customer) -> None:
    job = stage.processing(alice)
    Generation.objects.filter(pk=job.pk).update(**changes)

    assert line.expected_end(stage.fresh(job)) is None


def test_a_job_that_is_being_handed_over_has_all_its_time_before_it(alice: Customer) -> None:
    job = stage.processing(alice)
    Generation.objects.filter(pk=job.pk).update(status="submitting")

    assert line.expected_end(stage.fresh(job)) == Span(EXPECTED_SECONDS, EXPECTED_SECONDS)


def test_a_finished_job_has_no_outlook(alice: Customer) -> None:
    assert line.outlooks([crowd.finished(alice.account, 5)]) == {}


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 0, "a few seconds"),
        (3, 9.9, "a few seconds"),
        (9, 11, "about 10 seconds"),
        (28, 33, "about 30 seconds"),
        (20, 41, "usually 20 to 40 seconds"),
        (2, 24, "up to 20 seconds"),
        (55, 60, "about 1 minute"),
        (0, 60, "up to 1 minute"),
        (110, 130, "about 2 minutes"),
        (60, 300, "usually 1 to 5 minutes"),
        (20, 170, "up to 3 minutes"),
        (1190, 1300, "about 20 minutes"),
        (1800, 3600, "usually 30 to 60 minutes"),
        (7000, 7400, "about 2 hours"),
        (3600, 10_800, "usually 1 to 3 hours"),
        (0, 10_800, "up to 3 hours"),
    ],
)
def test_times_are_told_as_roughly_as_they_are_known(low: float, high: float, words: str) -> None:
    assert Span(low, high).words == words
