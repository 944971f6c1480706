"""Jobs in test mode: made here, with no upstream at all, in production as on a developer's machine.

The film is a slow push into the picture. It is drawn by the sandbox's own film maker, so test mode
and the sandbox answer the same words in a prompt alike:

| word in the prompt | the job |
|---|---|
| `[fail]` | fails, code 1403 |
| `[moderated]` | fails, code 1200: the safety check refused it |
| `[cancelled]`, `[deleted]` | fails, code 1403, as when the model gives up |
| `[timeout]` | fails, code 1406 |
| `[empty]` | fails, code 1403: done, but no video came |
| `[garbage]` | fails, code 1403: what came is no video |
| `[unreachable]` | fails, code 1405: the video could not be fetched |
| `[short]` | completes one second shorter, and its price comes back |
| `[slow]` | takes ten times as long |
| `[stuck]` | stays `processing` until it is given up, code 1406 |
| `[429]`, `[500]`, `[broke]` | waits as `created` for a while, then completes |

The row says all there is to know, so any worker on any machine may take the next step.
"""

import asyncio
import tempfile
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from av.error import FFmpegError
from django.conf import settings
from PIL import Image

from config.media import StorageDown
from config.outbound import Fetcher, FetchFailed
from config.turnstile import in_db
from generations import catalog, failures, first_frame, lifecycle, storage
from generations.models import Generation
from generations.storage import Film
from sandbox.wavespeed import film, magic, picture

Status = Generation.Status
Wait = Callable[[Generation, tuple[float, float]], timedelta]

# From its acceptance to its film: long enough that every status is seen.
SECONDS = 1.0
WAIT_SECONDS = (1.0, 10.0)
STOPPED = "the film was left unmade"


class Rehearsal:
    """Takes test jobs further. One film is drawn at a time, so that real ones need not wait.

    `decoding` is what films of all sorts take turns at; `wait` gives growing delays.
    """

    def __init__(self, fetcher: Fetcher, decoding: asyncio.Semaphore, wait: Wait) -> None:
        self._fetcher = fetcher
        self._decoding = decoding
        self._drawing = asyncio.Semaphore(1)
        self._wait = wait

    async def take(self, job: Generation) -> None:
        """Take a claimed test job one step further."""
        if job.status == Status.PROCESSING:
            await self._end(job, magic.spoken(job.inputs["prompt"]))
        else:
            await self._begin(job, magic.spoken(job.inputs["prompt"]))

    async def _begin(self, job: Generation, words: list[str]) -> None:
        if job.overdue(timedelta(seconds=settings.PATIENCE_WAITING_SECONDS)):
            await in_db(lifecycle.fail, job, failures.NO_PLACE)
        elif job.attempts < max((magic.REFUSALS.get(word, 0) for word in words), default=0):
            note = f"turned away, as {' '.join(words)} asks for"
            await in_db(lifecycle.put_back, job, self._wait(job, WAIT_SECONDS), note)
        elif await self._picture(job) is not None:
            seconds = SECONDS * (magic.SLOWNESS if "[slow]" in words else 1)
            name = f"test-{job.id.hex}"
            await in_db(lifecycle.accept, job, name, timedelta(seconds=seconds))

    async def _end(self, job: Generation, words: list[str]) -> None:
        ending = magic.ending_of(words)
        if job.overdue(timedelta(seconds=settings.PATIENCE_RUNNING_SECONDS)):
            await in_db(lifecycle.fail, job, failures.TOO_LATE)
        elif "[stuck]" in words:
            await in_db(lifecycle.postpone, job, self._wait(job, WAIT_SECONDS))
        elif ending is not None:
            failure = failures.upstream(ending.code, ending.status)
            await in_db(lifecycle.fail, job, failure, f"{ending.status}: {ending.error}")
        elif "[empty]" in words:
            await in_db(lifecycle.fail, job, failures.NO_VIDEO)
        elif "[garbage]" in words:
            await in_db(lifecycle.fail, job, failures.NOT_A_VIDEO)
        elif "[unreachable]" in words:
            await in_db(lifecycle.fail, job, failures.NOT_FETCHED)
        else:
            await self._shoot(job, shortened="[short]" in words)

    async def _shoot(self, job: Generation, *, shortened: bool) -> None:
        """Draw the film, keep it, and settle."""
        content = await self._picture(job)
        if content is None:
            return
        try:
            async with self._drawing, self._decoding:
                kept = await _in_a_thread(job, content, shortened)
        except picture.UnusablePictureError as fault:
            await in_db(lifecycle.fail, job, failures.upstream(fault.code, "failed"), str(fault))
        except (FFmpegError, storage.NotAVideo) as error:
            await in_db(lifecycle.fail, job, failures.MODEL_FAILED, str(error))
        except OSError:
            # Our own disk or bucket takes nothing now; the film is drawn again.
            await in_db(lifecycle.postpone, job, self._wait(job, WAIT_SECONDS))
        else:
            if not await in_db(lifecycle.finish, job, kept):
                await in_db(storage.discard, kept)

    async def _picture(self, job: Generation) -> bytes | None:
        """Return the picture's bytes, none for a film from words, None when the job goes no on."""
        if not catalog.model(job.model).wants_picture:
            return b""
        try:
            return (await first_frame.read(job, self._fetcher))[1]
        except first_frame.PictureUnusable as unusable:
            await in_db(lifecycle.fail, job, failures.picture(str(unusable)))
        except (FetchFailed, StorageDown):
            await in_db(lifecycle.postpone, job, self._wait(job, WAIT_SECONDS))
        return None


async def _in_a_thread(job: Generation, content: bytes, shortened: bool) -> Film:
    stop = threading.Event()
    try:
        return await asyncio.to_thread(_draw, job, content, shortened, stop)
    finally:
        # Whoever stops waiting for it leaves no thread behind that draws on.
        stop.set()


def _draw(job: Generation, content: bytes, shortened: bool, stop: threading.Event) -> Film:
    seed = str(job.inputs["seed"])
    if job.inputs["seed"] == catalog.RANDOM_SEED:
        seed = job.id.hex
    shot = film.Shot(job.inputs["resolution"], job.inputs["duration"] - shortened, seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film.render(_first_frame(job, content), shot, path, stop)
        return storage.keep(job, path)


def _first_frame(job: Generation, content: bytes) -> Image.Image:
    if content:
        return picture.opened(content)
    return picture.drawn(job.inputs["prompt"], job.inputs["aspect_ratio"])
