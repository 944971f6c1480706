"""Drives jobs: claims those that are due and takes each one step further, many at once.

One process serves thousands of jobs with one event loop and one HTTP client; it never waits
for a single job. What a step decides is written by generations.lifecycle, so a second driver,
a crash between two lines or a late answer changes nothing that was settled.
"""

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.storage import default_storage
from django.urls import reverse

from generations import catalog, failures, images, lifecycle, storage, wavespeed
from generations.models import Generation, Upload
from generations.outbound import Fetcher, FetchFailed

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Status = Generation.Status

STEPS_MAX = 200
TICK_SECONDS = 0.25
FETCH_TRIES_MAX = 3
IMAGE_SECONDS_MAX = 30
VIDEO_SECONDS_MAX = 120
POLL_SECONDS = (1.0, 5.0) if settings.SANDBOX else (5.0, 30.0)
DOUBT_SECONDS = 5.0
WAIT_SECONDS_MAX = 300.0
GROWTH = 1.4

PATIENCE = {
    Status.CREATED: (timedelta(seconds=settings.PATIENCE_WAITING_SECONDS), failures.NO_PLACE),
    Status.IN_DOUBT: (timedelta(seconds=settings.PATIENCE_DOUBT_SECONDS), failures.LOST),
    Status.PROCESSING: (timedelta(seconds=settings.PATIENCE_RUNNING_SECONDS), failures.TOO_LATE),
}


class Driver:
    """Takes jobs further with one client for the upstream and one for foreign addresses."""

    def __init__(self, upstream: wavespeed.Client, fetcher: Fetcher) -> None:
        self._upstream = upstream
        self._fetcher = fetcher
        self._steps: set[asyncio.Task[None]] = set()

    async def work(self, seconds: float) -> None:
        """Keep taking due jobs further until none is unfinished or the time is up."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self._start_steps()
            if not self._steps and not await _in_db(_anything_unfinished):
                break
            await self._await_some()
        while self._steps:
            await self._await_some()

    async def run_due(self) -> int:
        """Take every job that is due now one step further and return how many there were."""
        started = await self._start_steps()
        while self._steps:
            await self._await_some()
        return started

    async def _start_steps(self) -> int:
        free = STEPS_MAX - len(self._steps)
        claimed = await _in_db(lifecycle.claim, free) if free else []
        self._steps |= {asyncio.create_task(self.step(job), name=str(job)) for job in claimed}
        return len(claimed)

    async def _await_some(self) -> None:
        if not self._steps:
            await asyncio.sleep(TICK_SECONDS)
            return
        done, self._steps = await asyncio.wait(
            self._steps, timeout=TICK_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        for step in done:
            # A step that broke keeps its lease; when that ends the job is tried again.
            if error := step.exception():
                logger.error("The step of job %s broke.", step.get_name(), exc_info=error)

    async def step(self, job: Generation) -> None:
        """Take a claimed job one step further."""
        if await self._given_up(job):
            return
        match job.status:
            case Status.CREATED:
                await self._submit(job)
            case Status.SUBMITTING:
                # Its driver died between the claim and the answer.
                await _in_db(lifecycle.doubt, job, timedelta(), "the driver stopped in mid-POST")
            case Status.IN_DOUBT:
                await self._settle_doubt(job)
            case Status.PROCESSING:
                await self._poll(job)

    async def _given_up(self, job: Generation) -> bool:
        patience, failure = PATIENCE.get(Status(job.status), (None, failures.LOST))
        if patience is None or not job.overdue(patience):
            return False
        note = "may have been paid upstream" if job.status != Status.CREATED else ""
        await _in_db(lifecycle.fail, job, failure, f"{note}; {job.operator_note}".strip("; "))
        return True

    async def _submit(self, job: Generation) -> None:
        try:
            # A job that was turned away has its copy there already, and no submission names it.
            image = job.upstream_image or await self._copy_upstream(job)
        except _PictureUnusable as unusable:
            await _in_db(lifecycle.fail, job, failures.picture(str(unusable)))
            return
        except FetchFailed:
            await _in_db(lifecycle.postpone, job, _wait(job, POLL_SECONDS))
            return
        except wavespeed.Refused as error:
            await _in_db(lifecycle.fail, job, failures.INPUT_REFUSED, str(error))
            return
        except wavespeed.UpstreamError as error:
            await _in_db(lifecycle.put_back, job, _wait(job, (1.0, WAIT_SECONDS_MAX)), str(error))
            return
        if await _in_db(lifecycle.start_submit, job, image):
            await self._post(job, image)

    async def _copy_upstream(self, job: Generation) -> str:
        """Leave this job's own copy of its picture upstream: its address finds the job there."""
        upload = await self._picture(job)
        try:
            content = await _in_db(_read_file, upload.file)
        except FileNotFoundError as error:
            raise _PictureUnusable("Your picture is gone. Upload it again.") from error
        return await self._upstream.upload(content, upload.safe_filename, upload.content_type)

    async def _post(self, job: Generation, image: str) -> None:
        """Send the one POST of this job and note what came of it."""
        try:
            prediction = await self._upstream.submit(
                job.model, {**job.inputs, "image": image}, _hook_address(job)
            )
        except wavespeed.Refused as error:
            await _in_db(lifecycle.fail, job, failures.INPUT_REFUSED, str(error))
        except wavespeed.Unavailable as error:
            await _in_db(lifecycle.put_back, job, _wait(job, (1.0, WAIT_SECONDS_MAX)), str(error))
        except wavespeed.InDoubt as error:
            await _in_db(lifecycle.doubt, job, timedelta(seconds=1), str(error))
        else:
            await _in_db(lifecycle.accept, job, prediction.id, _seconds(POLL_SECONDS[0]))

    async def _picture(self, job: Generation) -> Upload:
        """Return the job's first frame, fetching and judging it if it is a foreign address."""
        if job.upload_id is not None:
            return await Upload.objects.aget(pk=job.upload_id)
        with tempfile.TemporaryFile() as file:
            try:
                await self._fetcher.read(
                    job.inputs["image"],
                    file,
                    size_max=catalog.IMAGE_BYTES_MAX,
                    seconds_max=IMAGE_SECONDS_MAX,
                )
            except FetchFailed as error:
                if error.passing and job.attempts + 1 < FETCH_TRIES_MAX:
                    raise
                raise _PictureUnusable(f"Your picture could not be fetched. {error}") from error
            file.seek(0)
            content = file.read()
        name = job.inputs["image"].rsplit("/", 1)[-1].split("?", 1)[0]
        try:
            upload = await _in_db(_receive, job, content, name)
        except images.ImageRefused as refusal:
            raise _PictureUnusable(str(refusal)) from refusal
        await _in_db(lifecycle.keep_picture, job, upload)
        return upload

    async def _settle_doubt(self, job: Generation) -> None:
        try:
            prediction = await self._upstream.find(job.upstream_image)
        except wavespeed.UpstreamError as error:
            logger.warning("Job %s stays in doubt: %s", job, error)
            prediction = None
        if prediction is None:
            await _in_db(lifecycle.postpone, job, _wait(job, (DOUBT_SECONDS, 60.0)))
        else:
            await _in_db(lifecycle.accept, job, prediction.id, timedelta())

    async def _poll(self, job: Generation) -> None:
        assert job.upstream_id is not None, "a constraint of the table"
        try:
            prediction = await self._upstream.fetch(job.upstream_id)
        except wavespeed.Refused as error:
            await _in_db(lifecycle.fail, job, failures.MODEL_FAILED, str(error))
            return
        except wavespeed.UpstreamError as error:
            logger.warning("Job %s could not be polled: %s", job, error)
            await _in_db(lifecycle.postpone, job, _wait(job, POLL_SECONDS))
            return
        if prediction.status == wavespeed.COMPLETED:
            await self._store(job, prediction)
        elif prediction.status in wavespeed.ENDED_WITHOUT_VIDEO:
            failure = failures.upstream(prediction.code, prediction.status)
            await _in_db(lifecycle.fail, job, failure, f"{prediction.status}: {prediction.error}")
        else:
            await _in_db(lifecycle.postpone, job, _wait(job, POLL_SECONDS))

    async def _store(self, job: Generation, prediction: wavespeed.Prediction) -> None:
        """Bring the finished video home, then settle."""
        if not prediction.outputs:
            await _in_db(lifecycle.fail, job, failures.NO_VIDEO, "completed without outputs")
            return
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            try:
                await self._fetcher.read(
                    prediction.outputs[0],
                    file.file,
                    size_max=storage.VIDEO_BYTES_MAX,
                    seconds_max=VIDEO_SECONDS_MAX,
                )
                file.flush()
                film = await asyncio.to_thread(storage.keep, job, Path(file.name))
            except FetchFailed as error:
                await self._not_fetched(job, error)
            except storage.NotAVideo as error:
                await _in_db(lifecycle.fail, job, failures.NOT_A_VIDEO, str(error))
            else:
                if not await _in_db(lifecycle.finish, job, film):
                    await asyncio.to_thread(storage.discard, film)

    async def _not_fetched(self, job: Generation, error: FetchFailed) -> None:
        fetching = timedelta(seconds=settings.PATIENCE_FETCHING_SECONDS)
        if error.passing and not job.overdue(fetching):
            await _in_db(lifecycle.postpone, job, _wait(job, POLL_SECONDS))
        else:
            await _in_db(lifecycle.fail, job, failures.NOT_FETCHED, str(error))


class _PictureUnusable(Exception):
    """The first frame can never be used; the sentence is for the customer."""


def _receive(job: Generation, content: bytes, name: str) -> Upload:
    return images.receive(job.account, content, name)


def _anything_unfinished() -> bool:
    return Generation.objects.unfinished().exists()


def _read_file(name: str) -> bytes:
    with default_storage.open(name) as file:
        content: bytes = file.read()
    return content


def _hook_address(job: Generation) -> str:
    """Return where the upstream may tell us the end; it carries our id to settle doubts."""
    if settings.LOCAL and not settings.SANDBOX:
        return ""
    return f"{settings.PUBLIC_URL}{reverse('wavespeed_hook', kwargs={'pk': job.pk})}"


def _wait(job: Generation, bounds: tuple[float, float]) -> timedelta:
    """Return a growing, jittered delay between the bounds, in seconds."""
    first, most = bounds
    delay = min(most, first * GROWTH ** min(job.attempts, 50))
    # Jitter spreads jobs that met the same trouble; it needs no secrecy.
    return _seconds(delay * random.uniform(0.8, 1.2))  # noqa: S311


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


async def _in_db(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a function that uses the database in the one thread that may."""
    run: Callable[P, Coroutine[Any, Any, T]] = sync_to_async(function)
    return await run(*args, **kwargs)
