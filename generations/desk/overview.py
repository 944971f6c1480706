"""The operator's first page: whether all is well, what today brought, and what waits for somebody.

Each part is shown to those who may see the page that it leads to.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timesince

from accounts.access import user_of
from accounts.models import User
from billing import money
from generations import places, proof
from generations.context import words
from generations.desk import lists
from generations.reports import job_figures, ledger_figures
from generations.reports.periods import Period, Span, Unit

REPORTS = "reports.see_reports"
JOBS = "generations.view_generation"


@dataclass(frozen=True)
class Figure:
    """One figure, what it was the day before or is beside it, and the page that tells more."""

    label: str
    now: str
    beside: str
    address: str


def show(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return what the admin's first page is drawn from: unfold's DASHBOARD_CALLBACK."""
    user = user_of(request)
    waiting = [(one, one.count()) for one in lists.LISTS if user.has_perm(one.permission)]
    return context | {
        "trouble": words(places.state()) if user.has_perm(JOBS) else "",
        "proof": _proof(),
        "figures": [*_queue(user), *_today(user)],
        "waiting": [(one, count) for one, count in waiting if count],
        "most": lists.ROWS_MAX,
        "has_lists": bool(waiting),
    }


def _proof() -> tuple[str, bool]:
    """Return what the last scheduled audit found, in words, and whether that is good."""
    last = proof.last()
    if last is None:
        return "The books have not been proved yet; a task does it every hour.", True
    at, faults = last
    ago = timesince(datetime.fromtimestamp(at, UTC), depth=1)
    if faults:
        return f"The books have {faults} faults, {ago} ago: see docs/incidents.md.", False
    return f"The books add up, proved {ago} ago.", True


def _queue(user: User) -> list[Figure]:
    if not user.has_perm(JOBS):
        return []
    queue = job_figures.queue()
    oldest = f"the oldest for {timesince(queue.oldest, depth=1)}" if queue.oldest else ""
    doubt = f"{queue.in_doubt} in doubt" if queue.in_doubt else ""
    address = reverse("admin:generations_generation_changelist")
    return [
        Figure("Waiting for a place", f"{queue.waiting:,}", oldest, f"{address}?status=created"),
        Figure("At the upstream", f"{queue.upstream:,}", doubt, f"{address}?status=processing"),
    ]


def _today(user: User) -> list[Figure]:
    """Return today's money and films beside yesterday's, in UTC."""
    if not user.has_perm(REPORTS):
        return []
    today = Period.holding(Unit.DAY, timezone.now().astimezone(UTC).date())
    two_days = Span((today.before, today))
    before, now = ledger_figures.money_of(two_days)
    jobs_before, jobs = job_figures.jobs_of(two_days)
    of_money, of_films = reverse("admin:report_money"), reverse("admin:report_films")
    return [
        Figure(
            "Revenue today",
            money.display(now.revenue_micros),
            f"{money.display(before.revenue_micros)} yesterday",
            of_money,
        ),
        Figure(
            "Credit sold today",
            money.display(now.sold_micros),
            f"{money.display(before.sold_micros)} yesterday",
            of_money,
        ),
        Figure(
            "Owed to customers", money.display(now.liability_micros), "unspent credit", of_money
        ),
        Figure(
            "Films today", f"{jobs.completed:,}", f"{jobs_before.completed:,} yesterday", of_films
        ),
        Figure("Failed today", f"{jobs.failed:,}", f"{jobs_before.failed:,} yesterday", of_films),
    ]
