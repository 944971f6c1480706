"""What the REST API tells of an account's money: bills and usage, exact, from ledger and jobs."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import key_of
from accounts.models import Scope
from billing import bills
from config.errors import ApiError
from generations.api import envelope, number
from generations.api_history import ID_LENGTH_MAX, IDS_MAX, MODEL_LENGTH_MAX, known_ids
from generations.asked import Asked, Moment, Page, Words, part, within
from generations.models import Generation, hold_reference
from generations.predictions import public_status, timestamp

USAGE_DAYS = 30
USAGE_DAYS_MAX = 366
DELETED = "deleted"

COMPLETED = Q(status=Generation.Status.COMPLETED)
SUMS: dict[str, Any] = {
    "cost": Sum(F("price_micros") - F("shortfall_micros"), filter=COMPLETED, default=0),
    "requests": Count("id"),
    "successes": Count("id", filter=COMPLETED),
}


class BillingsView(APIView):
    """`POST /api/v3/billings/search`: what was deducted for jobs and what came back."""

    scope = Scope.BILLING

    class Input(Page):
        billing_type = serializers.ChoiceField(
            choices=bills.Sort.choices, required=False, help_text="Only rows of this kind."
        )
        prediction_uuids = serializers.ListField(
            child=Words(max_length=ID_LENGTH_MAX),
            max_length=IDS_MAX,
            required=False,
            help_text="Only rows of these jobs; of all when it is empty.",
        )
        start_time = Moment(required=False, help_text="Only rows from then on.")
        end_time = Moment(required=False, help_text="Only rows up to then.")

    def post(self, request: Request) -> Response:
        """Answer one page of the rows, newest first, and how many there are in all."""
        asked = self.Input.of(request)
        ids = asked.get("prediction_uuids")
        rows = bills.search(
            key_of(request).account,
            Q(**within("at", asked.get("start_time"), asked.get("end_time"))),
            sort=asked.get("billing_type", ""),
            references=[hold_reference(pk) for pk in known_ids(ids)] if ids else None,
        )
        page = [bills.Bill(*row) for row in rows[part(asked)]]
        statuses = _statuses(Generation.id_in(bill.reference) for bill in page)
        items = [_billed(bill, statuses) for bill in page]
        return envelope({"page": asked["page"], "total": rows.count(), "items": items})


class UsageView(APIView):
    """`POST /api/v3/user/usage_stats`: what the account asked for and paid, by model and by day."""

    scope = Scope.BILLING

    class Input(Asked):
        start_time = Moment(required=False, help_text="Only jobs from then on.")
        end_time = Moment(required=False, help_text="Only jobs up to then; now when left out.")
        model_uuid = Words(
            required=False, max_length=MODEL_LENGTH_MAX, help_text="Only jobs of this model."
        )

    def post(self, request: Request) -> Response:
        """Answer the sums of the jobs requested in a time of at most a year.

        What was paid counts, so a job that runs or failed is a request that cost nothing.
        """
        asked = self.Input.of(request)
        end = asked.get("end_time", timezone.now())
        start = asked.get("start_time", end - timedelta(days=USAGE_DAYS))
        if end - start > timedelta(days=USAGE_DAYS_MAX):
            message = f"Ask for at most {USAGE_DAYS_MAX} days at once."
            raise ApiError(status.HTTP_400_BAD_REQUEST, message)
        jobs = Generation.objects.filter(
            account=key_of(request).account, **within("created_at", start, end)
        )
        if "model_uuid" in asked:
            jobs = jobs.filter(model=asked["model_uuid"])
        models = jobs.values(model_uuid=F("model")).order_by("model_uuid").annotate(**SUMS)
        day = TruncDate("created_at", tzinfo=UTC)
        days = jobs.values(date=day).order_by("date").annotate(**SUMS)
        return envelope(
            {
                "per_model_usage": [_used(row, "model_uuid") for row in models],
                "daily_usage": [_used(row, "date") for row in days],
                "summary": _used(jobs.aggregate(**SUMS)),
            }
        )


def _billed(bill: bills.Bill, statuses: Mapping[uuid.UUID, str]) -> dict[str, Any]:
    job = Generation.id_in(bill.reference)
    return {
        "uuid": bill.id,
        "billing_type": bill.sort,
        "price": number(bill.amount_micros),
        "created_at": timestamp(bill.at),
        "order": {"state": "done" if bill.is_settled else "pre"},
        "prediction": {
            "uuid": job.hex if job else "",
            "status": statuses.get(job, DELETED) if job else "",
        },
    }


def _statuses(ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    """Return the statuses of these jobs as programs read them; those deleted are left out."""
    jobs = Generation.objects.filter(pk__in={pk for pk in ids if pk}, deleted_at=None)
    return {job.pk: public_status(job) for job in jobs.only("status")}


def _used(row: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    return {
        **({name: str(row[name])} if name else {}),
        "total_cost": number(row["cost"]),
        "total_requests": row["requests"],
        "success_requests": row["successes"],
    }
