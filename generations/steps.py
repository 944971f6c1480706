"""What is done to a job, one step at a time: picture, submission, doubt, poll, film.

What a step decides is written by generations.lifecycle, so a second driver, a crash between two
lines or a late answer changes nothing that was settled.
"""

import asyncio
import logging
import random
import tempfile
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from config import log_context
from config.media import StorageDown
from config.outbound import Fetcher, FetchFailed
from config.turnstile import in_db
from generations import catalog, failures, first_frame, lifecycle, places, storage, wavespeed
from generations.models import Generation, UpstreamState
from generations.rehearsal import Rehearsal

logger = logging.getLogger(__name__)

Status = Generation.Status

VIDEO_SECONDS_MAX = 120
POLL_SECONDS = (1.0, 5.0) if settings.SANDBOX else (5.0, 30.0)
DOUBT_SECONDS = (1.0, 15.0) if settings.SANDBOX else (5.0, 60.0)
WAIT_SECONDS = (1.0, 30.0) if settings.SANDBOX else (2.0, 300.0)
# How long the upstream may say of a job that it has just accepted that it knows none such.
UNKNOWN_SECONDS = 60
GROWTH = 1.4
# Decoding a film takes a whole core and its frames memory: few at once.
FILMS_AT_ONCE = 2


class Steps:
    """The steps, with one client for the upstream and one for foreign addresses."""

    def __init__(self, upstream: wavespeed.Client, fetcher: Fetcher) -> None:
        self._upstream = upstream
        self._fetcher = fetcher
        self._decoding = asyncio.Semaphore(FILMS_AT_ONCE)
        self._hooks = _hooks()
        self._rehearsal = Rehearsal(fetcher, self._decoding, wait)

    async def take(self, job: Generation) -> None:
        """Take a claimed job one step further."""
        log_context.bind(job=job.pk.hex, account=job.account_id)
        match job.status:
            case _ if job.test:
                await self._rehearsal.take(job)
            case Status.CREATED if _overdue(job, settings.PATIENCE_WAITING_SECONDS):
                await in_db(lifecycle.fail, job, failures.NO_PLACE)
            case Status.CREATED:
                await self._submit(job)
            case Status.SUBMITTING:
                # Its driver died between the claim and the answer.
                await in_db(lifecycle.doubt, job, timedelta(), "the driver stopped in mid-POST")
            case Status.IN_DOUBT:
                await self.settle_doubts([job])
            case Status.PROCESSING if _overdue(job, _longest_running()):
                # Whatever breaks its steps each time: nothing stays unfinished for ever.
                await in_db(lifecycle.fail, job, failures.TOO_LATE, _paid_perhaps(job))
            case Status.PROCESSING:
                await self._poll(job)

    async def settle_doubts(self, jobs: Collection[Generation]) -> None:
        """Look in the upstream's history for jobs that it may have, with one reading for all."""
        since = await in_db(lifecycle.first_sent_at, jobs)
        marks = {job.pk: wavespeed.mark(job.model, job.sent_inputs) for job in jobs}
        # Customers may ask for the same words with the same seed: then more than one fits.
        alike = not all(job.upstream_image for job in jobs)
        try:
            found = await self._upstream.find(set(marks.values()), since, to_its_end=alike)
        except wavespeed.UpstreamError as error:
            logger.warning("%s jobs stay in doubt: %s", len(jobs), error)
            for job in jobs:
                await self._stay_in_doubt(job, lifecycle.postpone)
            return
        for job in jobs:
            if free := await in_db(lifecycle.unclaimed, found.get(marks[job.pk], [])):
                await in_db(lifecycle.accept, job, free[0], timedelta())
            elif await in_db(lifecycle.may_submit_again, job):
                await in_db(lifecycle.submit_again, job)
            else:
                await self._stay_in_doubt(job, lifecycle.note_absence)

    async def _stay_in_doubt(
        self, job: Generation, note: Callable[[Generation, timedelta], None]
    ) -> None:
        if _overdue(job, settings.PATIENCE_DOUBT_SECONDS):
            note_paid = _paid_perhaps(job)
            # A hook may have said meanwhile that the upstream has it.
            await in_db(lifecycle.fail, job, failures.LOST, note_paid, out_of=[Status.IN_DOUBT])
        else:
            await in_db(note, job, wait(job, DOUBT_SECONDS))

    async def _submit(self, job: Generation) -> None:
        try:
            image = await self._copy_upstream(job)
        except first_frame.PictureUnusable as unusable:
            await in_db(lifecycle.fail, job, failures.picture(str(unusable)))
        except FetchFailed:
            await in_db(lifecycle.postpone, job, wait(job, POLL_SECONDS))
        except StorageDown as error:
            await in_db(lifecycle.put_back, job, wait(job, WAIT_SECONDS), str(error))
        except wavespeed.Refused as error:
            await in_db(lifecycle.fail, job, failures.INPUT_REFUSED, str(error))
        except wavespeed.Unavailable as error:
            await self._turned_away(job, error)
        else:
            hook = f"{self._hooks}{job.pk}" if self._hooks else ""
            if await in_db(lifecycle.start_submit, job, image):
                await self._post(job, hook)

    async def _copy_upstream(self, job: Generation) -> str:
        """Leave this job's own copy of its picture upstream: its address finds the job there.

        Returns the address, "" for a film that begins with no picture.
        """
        if job.upstream_image or not catalog.model(job.model).wants_picture:
            # A job that was turned away has its copy there already, and no submission names it.
            return job.upstream_image
        upload, content = await first_frame.read(job, self._fetcher)
        return await self._upstream.upload(content, upload.safe_filename, upload.content_type)

    async def _post(self, job: Generation, hook: str) -> None:
        """Send the one POST of this job and note what came of it."""
        sent = job.sent_inputs
        try:
            # Bounded as a whole: an answer that drips could outlive every lease.
            async with asyncio.timeout(settings.UPSTREAM_READ_SECONDS):
                prediction = await self._upstream.submit(job.model, sent, hook)
        except wavespeed.Refused as error:
            await in_db(lifecycle.fail, job, failures.INPUT_REFUSED, str(error))
        except wavespeed.Unavailable as error:
            await self._turned_away(job, error)
            if error.cause == "load":
                await in_db(places.lower_ceiling)
            return
        except (wavespeed.InDoubt, TimeoutError) as error:
            await in_db(lifecycle.doubt, job, _seconds(DOUBT_SECONDS[0]), str(error) or "no answer")
            await in_db(places.note_doubt, str(error))
            return
        else:
            await in_db(lifecycle.accept, job, prediction.id, _seconds(POLL_SECONDS[0]))
        await in_db(places.end_trouble)

    async def _turned_away(self, job: Generation, error: wavespeed.Unavailable) -> None:
        """Let the job wait: the upstream has no place, no trust or no life for us now."""
        await in_db(lifecycle.put_back, job, wait(job, WAIT_SECONDS), str(error))
        if error.cause in UpstreamState.Trouble.values and error.cause:
            await in_db(places.note_trouble, UpstreamState.Trouble(error.cause), str(error))

    async def _poll(self, job: Generation) -> None:
        assert job.upstream_id is not None, "a constraint of the table"
        try:
            prediction = await self._upstream.fetch(job.upstream_id)
        except wavespeed.Refused as error:
            if _overdue(job, UNKNOWN_SECONDS):
                await in_db(lifecycle.fail, job, failures.MODEL_FAILED, str(error))
            else:
                # Just accepted, and not known everywhere there: it may be in a moment.
                await self._keep_watching(job)
        except wavespeed.UpstreamError as error:
            logger.warning("Job %s could not be polled: %s", job, error)
            await self._keep_watching(job)
        else:
            await self.see(job, prediction)

    async def see(self, job: Generation, prediction: wavespeed.Prediction) -> None:
        """Act on what the upstream says of a running job."""
        log_context.bind(job=job.pk.hex, account=job.account_id)
        if prediction.status == wavespeed.COMPLETED:
            await self._store(job, prediction)
        elif prediction.status in wavespeed.ENDED_WITHOUT_VIDEO:
            failure = failures.upstream(prediction.code, prediction.status)
            if prediction.code == failures.UPSTREAM_MONEY_GONE:
                money_gone = UpstreamState.Trouble.MONEY
                await in_db(places.note_trouble, money_gone, prediction.error)
            await in_db(lifecycle.fail, job, failure, f"{prediction.status}: {prediction.error}")
        else:
            await self._keep_watching(job)

    async def _keep_watching(self, job: Generation) -> None:
        # Asked first and given up after: the film may have come at the last moment.
        if _overdue(job, settings.PATIENCE_RUNNING_SECONDS):
            await in_db(lifecycle.fail, job, failures.TOO_LATE, _paid_perhaps(job))
        else:
            await in_db(lifecycle.postpone, job, wait(job, POLL_SECONDS))

    async def _store(self, job: Generation, prediction: wavespeed.Prediction) -> None:
        """Bring the finished video home, then settle."""
        if not prediction.outputs:
            await in_db(lifecycle.fail, job, failures.NO_VIDEO, "completed without outputs")
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
                async with self._decoding:
                    film = await asyncio.to_thread(storage.keep, job, Path(file.name))
            except FetchFailed as error:
                await self._not_fetched(job, str(error), passing=error.passing)
            except OSError as error:
                # Our own disk or bucket takes nothing now; the film is safe upstream.
                logger.warning("The film of job %s could not be stored: %s", job, error)
                await self._not_fetched(job, f"our storage: {error}", passing=True)
            except storage.NotAVideo as error:
                await in_db(lifecycle.fail, job, failures.NOT_A_VIDEO, str(error))
            else:
                if not await in_db(lifecycle.finish, job, film):
                    await in_db(storage.discard, film)

    async def _not_fetched(self, job: Generation, why: str, *, passing: bool) -> None:
        since = job.fetching_since or timezone.now()
        patience = _seconds(settings.PATIENCE_FETCHING_SECONDS)
        if passing and timezone.now() - since < patience:
            await in_db(lifecycle.fetch_later, job, wait(job, POLL_SECONDS))
        else:
            await in_db(lifecycle.fail, job, failures.NOT_FETCHED, why)


def wait(job: Generation, bounds: tuple[float, float]) -> timedelta:
    """Return a growing, jittered delay between the bounds, in seconds."""
    first, most = bounds
    delay = min(most, first * GROWTH ** min(job.attempts, 50))
    # Jitter spreads jobs that met the same trouble; it needs no secrecy.
    return _seconds(delay * random.uniform(0.8, 1.2))  # noqa: S311


def _hooks() -> str:
    """Return where the upstream may tell us of ends; our id, put behind it, settles doubts."""
    if settings.LOCAL and not settings.SANDBOX:
        return ""
    anyone = reverse("wavespeed_hook", kwargs={"pk": UUID(int=0)})
    return f"{settings.PUBLIC_URL}{anyone.removesuffix(str(UUID(int=0)))}"


def _overdue(job: Generation, patience: float) -> bool:
    return job.overdue(_seconds(patience))


def _longest_running() -> float:
    return float(settings.PATIENCE_RUNNING_SECONDS + settings.PATIENCE_FETCHING_SECONDS)


def _paid_perhaps(job: Generation) -> str:
    return f"may have been paid upstream; {job.operator_note}".strip("; ")


def _seconds(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)
