"""The figures of the whole site for Prometheus, read from the database at each question.

No process counts anything, so it does not matter how many there are, which of them is asked, or
which was restarted: every web process gives the same answer. What has a rate is given for the last
hour. Scrape one address of the site, not each machine. Test mode is left out.
"""

import math
import shutil
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, QuerySet, Sum
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.status import Stat
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from accounts.models import Mode, WebhookDelivery, WebhookEndpoint
from billing.models import Dispute, LedgerAccount, StripeEvent, Transfer
from generations import places, proof
from generations.models import DiscardedFile, Generation, Submission, UpstreamState

WINDOW = timedelta(hours=1)
# No job lives longer: what ended in the window was created since then, which an index knows.
JOB_LIFE_MAX = timedelta(days=1)
QUANTILES = (0.5, 0.95, 0.99)
# What Stripe calls a dispute, or the threat of one, that the operator has to answer.
TO_ANSWER = ("needs_response", "warning_needs_response")

_SUBMISSION = """
SELECT percentile_cont(%s) WITHIN GROUP (
    ORDER BY extract(epoch FROM job.submitted_at - sent.sent_at))
FROM generations_submission AS sent JOIN generations_generation AS job ON job.id = generation_id
WHERE sent.sent_at >= %s AND sent.outcome = 'accepted' AND NOT job.test
"""
_FILM = """
SELECT percentile_cont(%s) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - created_at))
FROM generations_generation
WHERE status = 'completed' AND finished_at >= %s AND NOT test
"""


def text() -> bytes:
    """Return all figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures())
    return bytes(generate_latest(registry))


class Figures(Collector):
    """Asks the database when it is asked."""

    def collect(self) -> Iterable[Metric]:
        """Yield every figure of the site."""
        yield from _jobs()
        yield from _upstream()
        yield from _speed()
        yield from _money()
        yield from _stripe()
        yield from _webhooks()
        yield from _house()


def _jobs() -> Iterator[Metric]:
    unfinished = Generation.objects.unfinished().filter(test=False)
    rows = unfinished.values_list("status").annotate(Count("pk"), Min("status_since"))
    known: dict[str, tuple[int, Any]] = {status: (count, since) for status, count, since in rows}
    numbers = _labelled("gallop_jobs", "Unfinished jobs by status.", "status")
    ages = _labelled("gallop_job_oldest_seconds", "Since when the oldest has it.", "status")
    for status in Generation.UNFINISHED:
        number, oldest = known.get(status, (0, None))
        numbers.add_metric([status], number)
        ages.add_metric([status], _age(oldest))
    yield numbers
    yield ages
    ended = _labelled("gallop_jobs_ended_hour", "Jobs that ended.", "status", "code")
    for status, code, number in _ended().values_list("status", "error_code").annotate(Count("pk")):
        ended.add_metric([status, str(code)], number)
    yield ended


def _ended() -> QuerySet[Generation]:
    now = timezone.now()
    return Generation.objects.filter(
        test=False, created_at__gte=now - JOB_LIFE_MAX, finished_at__gte=now - WINDOW
    ).order_by()


def _upstream() -> Iterator[Metric]:
    sent = Submission.objects.filter(sent_at__gte=timezone.now() - WINDOW).order_by()
    yield _by(
        _labelled("gallop_submissions_hour", "POSTs of jobs upstream, by outcome.", "outcome"),
        sent.values_list("outcome").annotate(number=Count("pk")),
        every=Submission.Outcome.values,
    )
    state = places.state()
    trouble = _labelled("gallop_upstream_trouble", "1 while submitting pauses for this.", "kind")
    for kind in filter(None, UpstreamState.Trouble.values):
        trouble.add_metric([kind], float(state.trouble == kind))
    yield trouble
    since = _age(state.trouble_since) if state.trouble else 0.0
    yield _one("gallop_upstream_trouble_seconds", "For how long submitting has paused.", since)


def _speed() -> Iterator[Metric]:
    for name, words, question in (
        ("gallop_submission_seconds", "From the POST to the upstream's yes.", _SUBMISSION),
        ("gallop_film_seconds", "From the request to the film.", _FILM),
    ):
        family = _labelled(name, words, "quantile")
        with connection.cursor() as cursor:
            cursor.execute(question, [list(QUANTILES), timezone.now() - WINDOW])
            found = cursor.fetchone()[0] or [math.nan] * len(QUANTILES)
        for quantile, seconds in zip(QUANTILES, found, strict=True):
            family.add_metric([str(quantile)], float(seconds))
        yield family


def _money() -> Iterator[Metric]:
    customers = LedgerAccount.objects.filter(account__mode=Mode.LIVE)
    names = ("balance_micros", "held_micros", "receivable_micros")
    sums = customers.aggregate(**{name: Sum(name) for name in names})
    for name in names:
        words = f"All customers' {name.removesuffix('_micros')}, in millionths of a dollar."
        yield _one(f"gallop_customers_{name}", words, sums[name] or 0)
    moved = Transfer.objects.filter(created_at__gte=timezone.now() - WINDOW).order_by()
    yield _by(
        _labelled("gallop_transfers_micros_hour", "Money moved in the ledger, by kind.", "kind"),
        moved.values_list("kind").annotate(sum=Sum("amount_micros")),
        every=Transfer.Kind.values,
    )
    frozen = customers.filter(frozen=True).count()
    yield _one("gallop_accounts_frozen", "Accounts that may not spend.", frozen)
    proved = proof.last()
    age = _age_of(proved[0]) if proved else math.inf
    yield _one("gallop_audit_age_seconds", "Since the last audit.", age)
    yield _one("gallop_audit_faults", "What it found.", proved[1] if proved else 0)


def _stripe() -> Iterator[Metric]:
    undone = StripeEvent.objects.filter(done_at=None)
    found = undone.aggregate(number=Count("pk"), oldest=Min("received_at"))
    yield _one("gallop_stripe_events_undone", "Kept, without effect.", found["number"])
    words = "Age of the oldest of them."
    yield _one("gallop_stripe_events_undone_seconds", words, _age(found["oldest"]))
    open_disputes = Dispute.objects.filter(status__in=TO_ANSWER).count()
    yield _one("gallop_disputes_to_answer", "Disputes that wait for us.", open_disputes)


def _webhooks() -> Iterator[Metric]:
    pending = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.PENDING)
    due = pending.filter(attempts=0).aggregate(oldest=Min("due_at"))
    yield _one("gallop_webhooks_pending", "Deliveries on their way.", pending.count())
    words = "For how long the oldest has waited for its first try."
    yield _one("gallop_webhooks_waiting_seconds", words, _age(due["oldest"]))
    recent = WebhookDelivery.objects.filter(created_at__gte=timezone.now() - WINDOW).order_by()
    yield _by(
        _labelled("gallop_webhooks_hour", "Deliveries by what became of them.", "status"),
        recent.values_list("status").annotate(number=Count("pk")),
        every=WebhookDelivery.Status.values,
    )
    failing = WebhookEndpoint.objects.filter(disabled_at=None).exclude(failing_since=None).count()
    yield _one("gallop_webhook_endpoints_failing", "Switched on, and failing.", failing)


def _house() -> Iterator[Metric]:
    yield _one("gallop_workers", "Worker clusters that gave a sign of life.", len(Stat.get_all()))
    broker: Any = get_broker()
    yield _one("gallop_tasks_queued", "Background tasks that wait.", broker.queue_size())
    noted = DiscardedFile.objects.count()
    yield _one("gallop_files_to_remove", "Files noted to be removed.", noted)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        yield _one("gallop_database_bytes", "Size of the database.", cursor.fetchone()[0])
    # Before the first film there is no folder yet, but the disk that it will be on.
    media = settings.MEDIA_ROOT if settings.MEDIA_ROOT.exists() else settings.DATA
    free = shutil.disk_usage(media).free
    yield _one("gallop_media_free_bytes", "Free where the media folder is.", free)


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


def _by(family: GaugeMetricFamily, rows: Iterable[Any], *, every: Iterable[str]) -> Metric:
    """Give each label its number, 0 where there is no row."""
    found = dict(rows)
    for label in every:
        family.add_metric([label], found.get(label, 0))
    return family


def _age(moment: Any) -> float:
    return _age_of(moment.timestamp()) if moment else 0.0


def _age_of(stamp: float) -> float:
    return max(0.0, timezone.now().timestamp() - stamp)
