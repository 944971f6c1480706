"""The watch: what pages show is claimed or put off, and whatever they do not show comes due."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as configuration
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench.bench_watch import measure
from generations import claims, watch
from generations.models import Generation
from generations.watch import PLAY, REAL, Ended, Watch
from generations.wavespeed import HISTORY_SLACK, Client
from tests.cast import Customer
from tests.generations.history import Upstream

Status = Generation.Status

WORKER = UUID("6e1f3d0a-7c5b-4b8e-9a42-d1c0e5f7a983")
FILM = "https://films.test/a.mp4"


@pytest.fixture
def upstream() -> Upstream:
    """An upstream that has no jobs yet."""
    return Upstream()


@pytest.fixture
def running(alice: Customer) -> list[Generation]:
    """Ten jobs that run and come due in a second: just enough for a watch."""
    return run(alice, watch.MANY)


def run(customer: Customer, count: int, **fields: Any) -> list[Generation]:
    """Make rows of running jobs; a watch moves no money, so none is held."""
    now = timezone.now()
    given = {"due_at": now + timedelta(seconds=1), "submitted_at": now, **fields}
    return Generation.objects.bulk_create(
        Generation(
            account=customer.account,
            model="alibaba/happyhorse-1.1/image-to-video",
            inputs={"prompt": "", "resolution": "720p", "duration": 3},
            price_micros=1,
            status=Status.PROCESSING,
            upstream_id=uuid4().hex,
            **given,
        )
        for _ in range(count)
    )


def sweep(upstream: Upstream, *hands: int) -> list[Ended]:
    """Sweep once."""
    return sweeps(upstream, 1, *hands)[0]


def sweeps(upstream: Upstream, times: int, *hands: int) -> list[list[Ended]]:
    """Let one watch sweep so many times."""

    async def run_watch() -> list[list[Ended]]:
        async with Client(upstream.transport) as client:
            watcher = Watch(client, WORKER, REAL)
            return [await watcher.sweep(*hands) for _ in range(times)]

    return async_to_sync(run_watch)()


def due_in(job: Generation) -> float:
    """Return in how many seconds the job comes due."""
    return (fresh(job).due_at - timezone.now()).total_seconds()


def fresh(job: Generation) -> Generation:
    """Read the job again."""
    return Generation.objects.get(pk=job.pk)


@pytest.mark.django_db
def test_nothing_is_asked_while_nothing_runs(upstream: Upstream) -> None:
    assert sweep(upstream) == []
    assert upstream.asked == []


def test_few_jobs_are_left_to_single_polls(alice: Customer, upstream: Upstream) -> None:
    jobs = run(alice, watch.MANY - 1)
    upstream.show(jobs, "completed", outputs=[FILM])

    assert sweep(upstream) == []
    assert upstream.asked == []


def test_what_has_ended_comes_claimed_and_with_its_outcome(
    running: list[Generation], upstream: Upstream
) -> None:
    done, failed, *others = running
    upstream.show([done], "completed", outputs=[FILM])
    upstream.show([failed], "failed", error="No.", code=1200)
    upstream.show(others)

    ended = {job.pk: seen for job, seen in sweep(upstream)}

    assert ended.keys() == {done.pk, failed.pk}
    assert ended[done.pk].outputs == [FILM]
    assert (ended[failed.pk].code, ended[failed.pk].error) == (1200, "No.")
    assert upstream.pages == [1]
    for job in (done, failed):
        claimed = fresh(job)
        assert (claimed.status, claimed.leased_by) == (Status.PROCESSING, WORKER)
        assert claimed.lease_until is not None
        assert claimed.lease_until > timezone.now()


@pytest.mark.parametrize("status", ["failed", "cancelled", "timeout", "deleted"])
def test_every_end_is_seen(running: list[Generation], upstream: Upstream, status: str) -> None:
    upstream.show(running, status)
    assert [seen.status for _, seen in sweep(upstream)] == [status] * len(running)


@pytest.mark.parametrize("status", ["created", "processing", "dreaming", ""])
def test_what_runs_is_put_off_if_it_would_be_polled_soon(
    running: list[Generation], upstream: Upstream, status: str
) -> None:
    upstream.show(running, status)

    assert sweep(upstream) == []
    for job in running:
        assert REAL.trust * 0.7 < due_in(job) < REAL.trust * 1.3
        assert fresh(job).lease_until is None


def test_what_runs_and_is_not_due_for_long_is_not_written(
    alice: Customer, upstream: Upstream
) -> None:
    later = timezone.now() + timedelta(seconds=REAL.trust * 0.75)
    jobs = run(alice, watch.MANY, due_at=later)
    upstream.show(jobs)

    with CaptureQueriesContext(connection) as queries:
        sweep(upstream)

    assert {fresh(job).due_at for job in jobs} == {later}
    assert [query["sql"] for query in queries if "UPDATE" in query["sql"]] == []


def test_a_completed_job_without_outputs_is_asked_about_singly(
    running: list[Generation], upstream: Upstream
) -> None:
    empty, *others = running
    upstream.show([empty], "completed")
    upstream.show(others)

    assert sweep(upstream) == []
    assert due_in(empty) <= 0
    assert fresh(empty).lease_until is None


def test_more_ends_than_hands_come_due_for_whoever_has_some(
    running: list[Generation], upstream: Upstream
) -> None:
    upstream.show(running, "failed")

    assert len(sweep(upstream, 3)) == 3
    unclaimed = [job for job in running if fresh(job).lease_until is None]
    assert len(unclaimed) == watch.MANY - 3
    assert all(due_in(job) <= 0 for job in unclaimed)


def test_a_job_in_other_hands_is_left_there(alice: Customer, upstream: Upstream) -> None:
    other, until = uuid4(), timezone.now() + timedelta(seconds=60)
    mine = run(alice, watch.MANY)
    theirs = run(alice, 2, leased_by=other, lease_until=until)
    upstream.show([*mine, theirs[0]])
    upstream.show(theirs[1:], "failed")
    due = theirs[0].due_at

    assert sweep(upstream) == []
    assert [(fresh(job).leased_by, fresh(job).due_at) for job in theirs] == [(other, due)] * 2


def test_a_claim_whose_lease_ended_counts_for_nothing(alice: Customer, upstream: Upstream) -> None:
    ended = timezone.now() - timedelta(seconds=1)
    jobs = run(alice, watch.MANY, leased_by=uuid4(), lease_until=ended)
    upstream.show(jobs, "failed")

    assert len(sweep(upstream)) == watch.MANY


def test_a_film_that_could_not_be_fetched_keeps_its_own_intervals(
    running: list[Generation], alice: Customer, upstream: Upstream
) -> None:
    [waiting] = run(alice, 1, fetching_since=timezone.now())
    upstream.show(running)
    upstream.show([waiting], "completed", outputs=[FILM])

    assert sweep(upstream) == []
    assert 0 < due_in(waiting) <= 1


def test_a_job_that_has_run_too_long_comes_due_to_be_given_up(
    running: list[Generation], alice: Customer, upstream: Upstream
) -> None:
    patience = timedelta(seconds=configuration.PATIENCE_RUNNING_SECONDS + 1)
    [stuck] = run(alice, 1, status_since=timezone.now() - patience)
    upstream.show([stuck, *running])

    sweep(upstream)

    assert due_in(stuck) <= 1


def test_many_pages_are_read_and_no_more_than_it_takes(alice: Customer, upstream: Upstream) -> None:
    upstream.foreign(30)
    jobs = run(alice, 250)
    upstream.show(jobs, "failed")
    upstream.foreign(500)

    assert {job.pk for job, _ in sweep(upstream)} == {job.pk for job in jobs}
    assert upstream.pages == [1, 2, 3]


def test_the_history_is_read_from_the_oldest_running_job(
    running: list[Generation], alice: Customer, upstream: Upstream
) -> None:
    oldest = timezone.now() - timedelta(minutes=20)
    run(alice, 1, submitted_at=oldest)
    upstream.show(running)

    sweep(upstream)

    [asked] = upstream.asked
    since = datetime.fromisoformat(asked["created_after"])
    assert oldest - HISTORY_SLACK - timedelta(seconds=1) < since <= oldest - HISTORY_SLACK
    assert asked["include_inputs"] is False


def test_stragglers_far_behind_are_not_paged_to(
    running: list[Generation], alice: Customer, upstream: Upstream
) -> None:
    stragglers = run(alice, watch.STRAGGLERS)
    upstream.show(running)
    upstream.foreign(200)
    upstream.show(stragglers, "failed")

    assert sweep(upstream) == []
    assert upstream.pages == [1]
    assert all(0 < due_in(job) <= 1 for job in stragglers)


def test_pages_that_show_nothing_of_ours_end_the_sweep(
    running: list[Generation], upstream: Upstream
) -> None:
    upstream.foreign(1000)
    upstream.show(running, "failed")

    assert sweep(upstream) == []
    assert upstream.pages == list(range(1, watch.BARREN_WAVES_MAX + 1))
    assert all(due_in(job) <= 1 for job in running)


def test_the_end_of_the_history_ends_the_sweep(
    running: list[Generation], upstream: Upstream
) -> None:
    upstream.show(running[:1])

    assert sweep(upstream) == []
    assert upstream.pages == [1, 2]


def test_a_page_that_cannot_be_read_hides_nothing_of_the_others(
    alice: Customer, upstream: Upstream
) -> None:
    jobs = run(alice, 300)
    upstream.show(jobs, "failed")
    upstream.broken = {2}

    ended = {job.pk for job, _ in sweep(upstream)}

    assert ended == {job.pk for job in [*jobs[:100], *jobs[200:]]}
    assert all(due_in(job) <= 1 for job in jobs[100:200])


def test_an_upstream_that_is_down_ends_the_sweep_quietly(
    running: list[Generation], upstream: Upstream
) -> None:
    upstream.broken = {1}

    assert sweep(upstream) == []
    assert upstream.pages == [1]


def test_two_watches_share_the_ends(running: list[Generation], upstream: Upstream) -> None:
    upstream.show(running, "failed")

    first, second = sweep(upstream), sweep(upstream)

    assert (len(first), second) == (watch.MANY, [])


def test_when_many_become_few_the_rest_is_polled_at_once(
    running: list[Generation], upstream: Upstream
) -> None:
    upstream.show(running[:1], "failed")
    upstream.show(running[1:])

    assert [len(ended) for ended in sweeps(upstream, 2)] == [1, 0]
    assert upstream.pages == [1]
    assert all(due_in(job) <= 0 for job in running[1:])


def test_what_nobody_watches_any_more_comes_due_by_itself(
    running: list[Generation], upstream: Upstream
) -> None:
    upstream.show(running)
    sweep(upstream)

    trusted = timezone.now() + timedelta(seconds=REAL.trust * 1.2)

    assert Generation.objects.due(trusted).count() == watch.MANY


def test_a_finished_job_is_neither_claimed_nor_put_off(alice: Customer) -> None:
    [job] = run(alice, 1)
    names = [str(job.upstream_id)]
    Generation.objects.filter(pk=job.pk).update(
        status=Status.FAILED, error="No.", finished_at=timezone.now()
    )

    assert claims.claim_ended(names) == []
    assert claims.seen_running(names, timezone.now() + timedelta(hours=1)) == 0
    assert claims.make_all_due(names) == 0


def test_a_job_that_is_due_later_anyway_is_not_brought_forward(alice: Customer) -> None:
    [job] = run(alice, 1, due_at=timezone.now() + timedelta(seconds=50))

    assert claims.seen_running([str(job.upstream_id)], timezone.now()) == 0
    assert due_in(job) > 40


def test_what_pages_no_longer_show_is_polled_at_once_and_then_at_its_own_intervals(
    running: list[Generation], alice: Customer, upstream: Upstream
) -> None:
    left = run(alice, 3)
    upstream.show([*running, *left])

    async def sweep_thrice() -> list[float]:
        async with Client(upstream.transport) as client:
            watcher = Watch(client, WORKER, REAL)
            await watcher.sweep()
            upstream.jobs = upstream.jobs[: watch.MANY]
            await watcher.sweep()
            due = [(await Generation.objects.aget(pk=job.pk)).due_at for job in left]
            later = timezone.now() + timedelta(seconds=7)
            await Generation.objects.filter(pk__in=[job.pk for job in left]).aupdate(due_at=later)
            await watcher.sweep()
            return [(moment - timezone.now()).total_seconds() for moment in due]

    assert max(async_to_sync(sweep_thrice)()) <= 0
    assert all(5 < due_in(job) < 8 for job in left)
    assert all(due_in(job) > 8 for job in running)


def test_jobs_on_a_page_that_failed_are_not_all_polled_at_once(
    alice: Customer, upstream: Upstream
) -> None:
    jobs = run(alice, 200)
    upstream.show(jobs)

    async def sweep_twice() -> None:
        async with Client(upstream.transport) as client:
            watcher = Watch(client, WORKER, REAL)
            await watcher.sweep()
            upstream.broken = {2}
            await watcher.sweep()

    async_to_sync(sweep_twice)()
    assert all(due_in(job) > 8 for job in jobs)


@pytest.mark.django_db(transaction=True)
def test_two_hundred_ends_are_seen_in_time(record_property: Callable[[str, object], None]) -> None:
    figures = measure(200, 3, "PLAY")

    record_property("figure", f"200 ends seen: p95 {figures.p95:.2f} s, {figures.cpu_share:.0%}")
    assert len(figures.lags) == 200
    assert figures.lags[0] >= 0
    assert figures.p95 < 3 * PLAY.sweep
