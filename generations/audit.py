"""Prove that jobs and money agree: one settled hold for each finished job, and no hold alone."""

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Cast, Concat, Replace

from billing.models import Hold
from generations.models import Generation

EXPECTED_STATE = {
    Generation.Status.COMPLETED: Hold.State.CAPTURED,
    Generation.Status.FAILED: Hold.State.RELEASED,
}
FAULTS_MAX = 100


def faults() -> list[str]:
    """Return a sentence for each job whose money is not where its status says.

    Call it inside the same REPEATABLE READ transaction as ledger.audit.
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
    return found


def _priced(jobs: QuerySet[Generation]) -> QuerySet[Generation, tuple[str, int]]:
    digits = Replace(Cast("id", CharField()), Value("-"), Value(""))
    reference = Concat(Value("generation:"), digits, output_field=CharField())
    return jobs.annotate(reference=reference).values_list("reference", F("price_micros"))
