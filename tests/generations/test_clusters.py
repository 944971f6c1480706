"""Whole clusters as real processes, on both brokers: jobs end once whoever is stopped or killed."""

import signal
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from django.utils import timezone
from django_q.models import OrmQ, Success

from generations import wakeups
from generations.models import Generation, Submission
from tests import cast, clusters, redis
from tests.cast import Customer
from tests.clusters import Yard, wait_until
from tests.conftest import sandbox_running
from tests.generations import stage
from tests.generations.stage import Status, fresh
from tests.ports import free_port

JOBS = 500
LEASE_SECONDS = 3
# What a machine that is busy with other tests may add to any of the times below.
SLACK_SECONDS = 10

Note = Callable[[str, object], None]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("clusters")]


@pytest.fixture(params=["orm", "redis"])
def yard(request: pytest.FixtureRequest, tmp_path: Path, sandbox: str) -> Iterator[Yard]:
    """Where clusters run, once on each broker."""
    if request.param == "orm":
        with clusters.yard(tmp_path, sandbox) as made:
            yield made
    else:
        with (
            redis.running(tmp_path, free_port()) as url,
            clusters.yard(tmp_path, sandbox, REDIS_URL=url) as made,
        ):
            yield made


@pytest.fixture
def orm_yard(tmp_path: Path, sandbox: str) -> Iterator[Yard]:
    """Where clusters run on the database alone."""
    with clusters.yard(tmp_path, sandbox) as made:
        yield made


@pytest.fixture(scope="module")
def slow_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox whose jobs take some seconds."""
    with sandbox_running(tmp_path_factory.mktemp("slow"), SANDBOX_JOB_SECONDS="4") as url:
        yield url


def request_jobs(customer: Customer, count: int, prompt: str = "[fail]") -> list[Generation]:
    """Request so many jobs that end without a film."""
    picture = stage.upload(customer, width=300, height=300)
    return [stage.job(customer, picture, prompt=prompt) for _ in range(count)]


def seated(count: int) -> Callable[[], bool]:
    """Tell whether so many clusters have their driver."""
    return lambda: wakeups.seats_taken() == count


def all_ended() -> bool:
    """Tell whether no job needs a driver any more."""
    return not Generation.objects.unfinished().exists()


def posts(sandbox: str, jobs: Collection[Generation]) -> Counter[str]:
    """Return how often the stand-in has accepted each of these jobs."""
    found = httpx.get(f"{sandbox}/_sandbox/predictions").json()["predictions"]
    ours = {str(job.pk) for job in jobs}
    names = [name for one in found for name in one["webhook"].split("/")]
    return Counter(name for name in names if name in ours)


def assert_each_once(sandbox: str, jobs: Collection[Generation]) -> None:
    """Check that every job has ended, was posted once and released once."""
    for job in jobs:
        ended = fresh(job)
        assert ended.status == Status.FAILED, (ended.status, ended.operator_note)
        assert stage.hold(job).state == "released"
    assert posts(sandbox, jobs) == Counter({str(job.pk): 1 for job in jobs})


def test_a_cluster_drives_a_job_to_its_film(yard: Yard, sandbox: str) -> None:
    alice = cast.customer("alice", "25")
    job = stage.job(alice)
    OrmQ.objects.all().delete()
    yard.start()

    wait_until(all_ended)

    stage.assert_charged(job)
    assert len(stage.accepted(sandbox, job)) == 1
    # On Redis, nothing but the jobs themselves passes through the database.
    assert not OrmQ.objects.exists() or "REDIS_URL" not in yard.environment


def test_a_job_that_comes_later_is_posted_at_once(
    yard: Yard, sandbox: str, record_property: Note
) -> None:
    alice = cast.customer("alice", "25")
    yard.start()
    wait_until(seated(1))
    waits = []
    for _ in range(5):
        [job] = request_jobs(alice, 1)
        wait_until(job.submissions.exists)
        waits.append((job.submissions.get().sent_at - job.created_at).total_seconds())
    wait_until(all_ended)

    broker = "Redis" if "REDIS_URL" in yard.environment else "the ORM broker"
    longest = max(waits)
    record_property("figure", f"On {broker} a job was sent after {longest:.3f} s at most.")
    # The driver's own tick is 2 s: it heard the word.
    assert min(waits) < 1


def test_a_cluster_that_is_told_to_stop_ends_and_another_takes_over(
    slow_sandbox: str, yard: Yard, record_property: Note
) -> None:
    alice = cast.customer("alice", "25")
    first = yard.start(WAVESPEED_BASE_URL=slow_sandbox, STRIPE_API_BASE=slow_sandbox)
    wait_until(seated(1))
    jobs = request_jobs(alice, 20)
    wait_until(Generation.objects.filter(status=Status.PROCESSING).exists)

    took = first.terminate()

    assert not all_ended()
    yard.start(WAVESPEED_BASE_URL=slow_sandbox, STRIPE_API_BASE=slow_sandbox)
    wait_until(all_ended)
    assert_each_once(slow_sandbox, jobs)
    record_property("figure", f"With 20 jobs at work a cluster stopped within {took:.1f} s.")
    assert took < 8 + SLACK_SECONDS


def test_after_the_death_of_a_whole_cluster_every_job_ends_once_however_often_tasks_are_replayed(
    slow_sandbox: str, yard: Yard
) -> None:
    alice = cast.customer("alice", "25")
    first = yard.start(WAVESPEED_BASE_URL=slow_sandbox, STRIPE_API_BASE=slow_sandbox)
    wait_until(seated(1))
    jobs = request_jobs(alice, 20)
    wait_until(lambda: Submission.objects.count() >= 5)

    first.kill()

    yard.run(
        "from generations import wakeups, tasks\n"
        "for number in range(8): wakeups.seat_driver(number % 2 * tasks.HOPS_MAX)"
    )
    # Tasks that a dead cluster has taken are handed out again much later.
    OrmQ.objects.update(lock=timezone.now() - timedelta(seconds=1))
    yard.start(WAVESPEED_BASE_URL=slow_sandbox, STRIPE_API_BASE=slow_sandbox)
    wait_until(all_ended)
    # All but the one that sits, and the one that each cluster brings along.
    wait_until(lambda: Success.objects.filter(func=wakeups.DRIVE).count() >= 7)

    assert_each_once(slow_sandbox, jobs)
    assert seated(1)()


def freeze_in_mid_work(cluster: clusters.Cluster, worker: UUID) -> list[UUID]:
    """Stop a cluster's processes where they stand, holding claims; return the claimed jobs."""
    held = Generation.objects.unfinished().filter(leased_by=worker, lease_until__gt=timezone.now())

    def caught() -> bool:
        cluster.send(signal.SIGSTOP)
        if held.exists():
            return True
        cluster.send(signal.SIGCONT)
        return False

    wait_until(caught)
    return list(held.values_list("pk", flat=True))


def test_two_clusters_share_500_jobs_and_one_takes_over_when_the_other_is_killed(
    orm_yard: Yard, sandbox: str, record_property: Note
) -> None:
    dora = cast.customer("dora", "250")
    doomed = orm_yard.start()
    wait_until(seated(1))
    jobs = request_jobs(dora, 1)
    wait_until(all_ended)
    worker = fresh(jobs[0]).leased_by
    assert worker is not None
    orm_yard.start()
    wait_until(seated(2))

    jobs += request_jobs(dora, JOBS - 1)
    wait_until(lambda: Submission.objects.count() >= JOBS // 4)
    wait_until(lambda: len(workers()) >= 2)
    orphans = freeze_in_mid_work(doomed, worker)
    share = Submission.objects.filter(generation__leased_by=worker).count()
    doomed.kill()
    still_his = Generation.objects.unfinished().filter(
        pk__in=orphans, leased_by=worker, lease_until__isnull=False
    )
    took_over = wait_until(lambda: not still_his.exists())
    took = wait_until(all_ended)

    assert_each_once(sandbox, jobs)
    assert Submission.objects.filter(outcome="accepted").count() == JOBS
    assert took_over < LEASE_SECONDS + SLACK_SECONDS
    record_property(
        "figure",
        f"Two clusters, {JOBS} jobs: {share} sent by the one that was killed with {len(orphans)} "
        f"claims; those were taken over after {took_over:.1f} s (lease {LEASE_SECONDS} s), "
        f"everything ended {took:.0f} s later; posted upstream {posts(sandbox, jobs).total()} "
        "times, none twice.",
    )


def workers() -> set[UUID | None]:
    """Return those who have had jobs in their hands."""
    return set(Generation.objects.exclude(leased_by=None).values_list("leased_by", flat=True))


def test_two_clusters_keep_the_upstreams_limits_together(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, record_property: Note
) -> None:
    dora = cast.customer("dora", "25")
    limits = {"SANDBOX_CONCURRENCY": "3", "SANDBOX_PER_MINUTE": "5", "SANDBOX_JOB_SECONDS": "1"}
    tier = {"WAVESPEED_CONCURRENCY": "3", "WAVESPEED_PER_MINUTE": "5"}
    with (
        sandbox_running(tmp_path_factory.mktemp("strict"), **limits) as strict,
        clusters.yard(tmp_path, strict, **tier) as made,
    ):
        made.start()
        made.start()
        wait_until(seated(2))
        jobs = request_jobs(dora, 12)
        wait_until(lambda: Generation.objects.filter(status=Status.FAILED).count() == 5)
        # Some ticks more, in which both drivers could go too far.
        sixth = Submission.objects.order_by("id")[5:6]
        with pytest.raises(AssertionError, match="not within"):
            wait_until(sixth.exists, seconds=5)
        assert posts(strict, jobs).total() == 5
    assert Counter(Submission.objects.values_list("outcome", flat=True)) == {"accepted": 5}
    record_property("figure", "Two clusters, 3 at once and 5 a minute: 5 sent, none turned away.")
