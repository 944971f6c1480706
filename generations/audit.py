"""Prove that jobs and money agree: one settled hold for each finished job, and no hold alone.

A film that its customer has deleted stays paid, so jobs count here whether deleted or not.
"""

from collections.abc import Iterator

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat, Replace

from accounts.models import Mode
from billing.models import Hold, Transfer
from generations.models import Generation

EXPECTED_STATE = {
    Generation.Status.COMPLETED: Hold.State.CAPTURED,
    Generation.Status.FAILED: Hold.State.RELEASED,
}
FAULTS_MAX = 100


def faults() -> list[str]:
    """Return a sentence for each job whose money is not where its status says.

    Call it inside the same REPEATABLE READ transaction as sums.audit.
    """
    found = []
    for status in Generation.Status:
        expected = EXPECTED_STATE.get(status, Hold.State.HELD)
        jobs = _priced(Generation.objects.filter(status=status))
        holds = Hold.objects.filter(state=expected).values_list("reference", "amount_micros")
        found += [
            f"{reference} is {status}, but has no {expected} hold of {price}"
            for reference, price in jobs.difference(holds)[:FAULTS_MAX]
        ]
    orphans = Hold.objects.values_list("reference", "amount_micros").difference(
        _priced(Generation.objects.all())
    )
    found += [
        f"hold {reference} of {amount} has no job" for reference, amount in orphans[:FAULTS_MAX]
    ]
    return [*found, *_shortfall_faults(), *_mode_faults()]


def _shortfall_faults() -> Iterator[str]:
    """Compare what jobs say came back of their price with the transfers, both ways."""
    noted = _named(Generation.objects.filter(shortfall_micros__gt=0), "shortfall_micros")
    shortfalls = Transfer.objects.filter(kind=Transfer.Kind.SHORTFALL)
    booked = shortfalls.values_list("reference", "amount_micros")
    for reference, sums in noted.difference(booked)[:FAULTS_MAX]:
        yield f"{reference} came out shorter, but {sums} did not come back"
    for reference, sums in booked.difference(noted)[:FAULTS_MAX]:
        yield f"{reference} did not come out shorter by {sums}, which came back"


def _mode_faults() -> Iterator[str]:
    """Test credit pays for test jobs, and real credit for real ones."""
    wrong = Generation.objects.exclude(
        Q(account__mode=Mode.TEST, test=True) | Q(account__mode=Mode.LIVE, test=False)
    )
    for job in wrong.select_related("account").order_by("created_at", "id")[:FAULTS_MAX]:
        yield f"{job.hold_reference}: its mode is not that of its account"


def _priced(jobs: QuerySet[Generation]) -> QuerySet[Generation, tuple[str, int]]:
    return _named(jobs, "price_micros")


def _named(jobs: QuerySet[Generation], sums: str) -> QuerySet[Generation, tuple[str, int]]:
    digits = Replace(Cast("id", CharField()), Value("-"), Value(""))
    reference = Concat(Value("generation:"), digits, output_field=CharField())
    return jobs.annotate(reference=reference).values_list("reference", F(sums))
