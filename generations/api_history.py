"""The REST API's list of an account's jobs: look through it, delete from it, cancel what waits."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import key_of
from accounts.models import Account, Scope
from config.errors import ApiError
from generations import disposal, failures, lifecycle
from generations.api import envelope
from generations.asked import Asked, Flag, Moment, Page, Words, part, within
from generations.models import Generation, GenerationQuerySet
from generations.predictions import STATUSES, prediction

IDS_MAX = 100
ID_LENGTH_MAX = 64
MODEL_LENGTH_MAX = 100


class HistoryView(APIView):
    """`POST /api/v3/predictions`: the account's jobs, newest first."""

    scope = Scope.READ

    class Input(Page):
        model = Words(
            required=False, max_length=MODEL_LENGTH_MAX, help_text="Only jobs of this model."
        )
        status = serializers.ChoiceField(
            choices=list(STATUSES), required=False, help_text="Only jobs that stand so."
        )
        created_after = Moment(required=False, help_text="Only jobs from then on.")
        created_before = Moment(required=False, help_text="Only jobs up to then.")
        include_inputs = Flag(default=False, help_text="Whether each says what was asked for.")

    def post(self, request: Request) -> Response:
        """Answer one page of the jobs that fit, with what they were asked for if that is wanted."""
        asked = self.Input.of(request)
        jobs = _chosen(key_of(request).account, asked).order_by("-created_at", "-id")[part(asked)]
        items = [prediction(job, with_input=asked["include_inputs"]) for job in jobs]
        return envelope({"page": asked["page"], "items": items})


class DeleteView(APIView):
    """`POST /api/v3/predictions/delete`: take finished jobs and their films away for good."""

    scope = Scope.SUBMIT

    class Input(Asked):
        ids = serializers.ListField(
            child=Words(max_length=ID_LENGTH_MAX),
            max_length=IDS_MAX,
            help_text="The jobs.",
        )

    def post(self, request: Request) -> Response:
        """Answer how many went; the rest still run, are unknown, or had gone before."""
        ids = self.Input.of(request)["ids"]
        visible = Generation.objects.visible_to(key_of(request).account)
        jobs = visible.filter(pk__in=set(known_ids(ids))).order_by("id")
        return envelope({"deleted_count": sum(_deleted(job) for job in jobs)})


class CancelView(APIView):
    """`POST /api/v3/predictions/{id}/cancel`: end a job that the model does not have yet."""

    scope = Scope.SUBMIT

    def post(self, request: Request, prediction_id: str) -> Response:
        """Answer the job, which has failed now and costs nothing; 409 when it is too late."""
        job = own_job(key_of(request).account, prediction_id)
        cancelled = lifecycle.cancel(job)
        job.refresh_from_db()
        if not cancelled:
            raise ApiError(status.HTTP_409_CONFLICT, failures.too_late_to_cancel(job))
        return envelope(prediction(job))


def own_job(account: Account, prediction_id: str) -> Generation:
    """Return the account's job of this id. Raises ApiError 404 for any other."""
    visible = Generation.objects.visible_to(account)
    job = visible.filter(pk__in=known_ids([prediction_id])).first()
    if job is None:
        raise ApiError(status.HTTP_404_NOT_FOUND, "Prediction not found.")
    return job


def _chosen(account: Account, asked: Mapping[str, Any]) -> GenerationQuerySet:
    jobs = Generation.objects.visible_to(account).filter(
        **within("created_at", asked.get("created_after"), asked.get("created_before"))
    )
    if "model" in asked:
        jobs = jobs.filter(model=asked["model"])
    if "status" in asked:
        jobs = jobs.filter(status__in=STATUSES[asked["status"]])
    return jobs


def known_ids(ids: Iterable[str]) -> Iterator[uuid.UUID]:
    """Yield those of these texts that can be an id of ours."""
    for text in ids:
        try:
            yield uuid.UUID(text)
        except ValueError:
            continue


def _deleted(job: Generation) -> bool:
    try:
        return disposal.delete_generation(job)
    except disposal.StillRunning:
        return False
