"""Carries every job from its submission to its end, and tells its webhook."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import av
import httpx
from PIL import Image

from sandbox.settings import Settings
from sandbox.wavespeed import film, magic, picture, prints, webhooks
from sandbox.wavespeed.magic import Ending
from sandbox.wavespeed.media import Media
from sandbox.wavespeed.picture import UnusablePictureError
from sandbox.wavespeed.prediction import (
    STATUSES_ANNOUNCED,
    STATUSES_REFUNDED,
    Prediction,
    result,
)
from sandbox.wavespeed.store import Store

RENDERINGS_AT_ONCE = 2
COMPLETED = Ending("completed")
BROKEN = Ending("failed", 5000, "Internal server error.")
NOT_A_FILM = b"This is not a video.\n" * 50
# With these words no film is made.
WORDS_WITHOUT_FILM = {"[stuck]", "[unreachable]", "[garbage]", "[empty]", *magic.ENDINGS}

Pause = Callable[[float], Awaitable[None]]


@dataclass
class Studio:
    """The jobs under way. Every method but `close` belongs to one event loop.

    `clock` and `pause` may be `time.time` and `asyncio.sleep`, or a ManualClock's; a transport
    replaces the network for pictures and webhooks.
    """

    settings: Settings
    clock: Callable[[], float]
    pause: Pause
    transport: httpx.AsyncBaseTransport | None
    store: Store
    media: Media
    _shootings: dict[str, asyncio.Task[Ending]] = field(default_factory=dict)
    _tendings: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _resumed: bool = False

    def __post_init__(self) -> None:
        # Not the loop's own pool: these threads give way, and stop when told to.
        self._renderers = ThreadPoolExecutor(
            RENDERINGS_AT_ONCE, "sandbox-film", initializer=_give_way
        )

    def resume(self) -> None:
        """Takes up again, once, what an earlier process left unfinished.

        Comes at start, or with the first job when nobody announced the start.
        """
        if self._resumed:
            return
        self._resumed = True
        for prediction in self.store.newest():
            if not prediction.status or prediction.announce_at is not None:
                self._begin(prediction)

    def accept(self, prediction: Prediction) -> None:
        """Takes a new job and its money."""
        self.resume()
        self.store.save(prediction)
        self.store.bill(prediction, "deduct", prediction.created_at)
        self._begin(prediction)

    async def settled(self, prediction: Prediction) -> Prediction:
        """The prediction as it now is: one that is due has ended, however long its film takes."""
        self.resume()
        if not prediction.is_due(self.clock()):
            return prediction
        shooting = self._shootings.get(prediction.id)
        if shooting is None:
            # It ended since the caller read it.
            return self.store.find(prediction.id) or prediction
        # Shielded: whoever asks may go away, the film is for everyone.
        ending = await asyncio.shield(shooting)
        return self._finish(prediction.id, ending)

    async def wait(self, prediction: Prediction, seconds: float) -> Prediction:
        """Like `settled`, once the job is due or the seconds are over."""
        deadline = self.clock() + seconds
        due_at = deadline if prediction.due_at is None else min(prediction.due_at, deadline)
        while (left := due_at - self.clock()) > 0:
            await self.pause(left)
        return await self.settled(prediction)

    def close(self) -> None:
        """Leaves everything as it is; a later process resumes it."""
        self._stop.set()
        self._renderers.shutdown(wait=False, cancel_futures=True)
        for task in (*self._tendings.values(), *self._shootings.values()):
            # In tests the loop may have ended first.
            if not task.get_loop().is_closed():
                task.cancel()

    def _begin(self, prediction: Prediction) -> None:
        if not prediction.status:
            self._shootings[prediction.id] = asyncio.create_task(self._shoot(prediction))
        # Kept by name because the loop holds tasks weakly.
        tending = asyncio.create_task(self._tend(prediction))
        self._tendings[prediction.id] = tending
        tending.add_done_callback(lambda _: self._tendings.pop(prediction.id, None))

    async def _tend(self, prediction: Prediction) -> None:
        """Ends the job in time and announces it, whether or not anyone asks."""
        if not prediction.status:
            if prediction.due_at is None:
                return
            # A pause may end early, and a clock may be set back.
            while (left := prediction.due_at - self.clock()) > 0:
                await self.pause(left)
            prediction = await self.settled(prediction)
        while prediction.announce_at is not None:
            await self.pause(prediction.announce_at - self.clock())
            prediction = await self._announce(prediction)

    async def _shoot(self, prediction: Prediction) -> Ending:
        """Makes what the job's output is to be; says how the job ends."""
        ending = magic.ending_of(prediction.words)
        if ending is not None or WORDS_WITHOUT_FILM.intersection(prediction.words):
            if "[garbage]" in prediction.words:
                self.media.output_path(prediction.id).write_bytes(NOT_A_FILM)
            return ending or COMPLETED
        try:
            await self._render(prediction, await self._first_frame(prediction))
        except UnusablePictureError as fault:
            return Ending("failed", fault.code, fault.message)
        except av.FFmpegError:
            return BROKEN
        return COMPLETED

    async def _first_frame(self, prediction: Prediction) -> Image.Image:
        inputs = prediction.input
        if "image" not in inputs:
            return picture.drawn(inputs["prompt"], inputs["aspect_ratio"])
        own = self.media.upload_path(inputs["image"])
        # Reading and decoding block, and the loop serves others meanwhile.
        loop = asyncio.get_running_loop()
        if own is not None:
            content = await loop.run_in_executor(None, own.read_bytes)
        else:
            content = await picture.fetch(inputs["image"], self.transport)
        return await loop.run_in_executor(self._renderers, picture.opened, content)

    async def _render(self, prediction: Prediction, first_frame: Image.Image) -> None:
        inputs = prediction.input
        shortfall = 1 if "[short]" in prediction.words else 0
        seed = prediction.id if inputs["seed"] == -1 else str(inputs["seed"])
        shot = film.Shot(inputs["resolution"], inputs["duration"] - shortfall, seed)
        path = self.media.output_path(prediction.id)
        render = (
            partial(prints.make, owner=prediction.id) if self.settings.film_once else film.render
        )
        await asyncio.get_running_loop().run_in_executor(
            self._renderers, render, first_frame, shot, path, self._stop
        )

    def _finish(self, prediction_id: str, ending: Ending) -> Prediction:
        """Writes the end down. The first of several callers does; the others read it."""
        prediction = self.store.find(prediction_id)
        if prediction is None:
            raise KeyError(prediction_id)
        # From here to the save nothing awaits, so nobody else can come between.
        if prediction.status:
            return prediction
        now = self.clock()
        prediction.status, prediction.code, prediction.error = (
            ending.status,
            ending.code,
            ending.error,
        )
        prediction.has_nsfw_contents = list(ending.has_nsfw_contents)
        prediction.finished_at = now
        if ending.status == "completed" and "[empty]" not in prediction.words:
            prediction.outputs = [self.media.output_url(prediction_id)]
            prediction.has_nsfw_contents = [False]
        if prediction.webhook and ending.status in STATUSES_ANNOUNCED:
            prediction.announce_at = now
        # Money first: after a crash in between, the job ends once more and is refunded only once.
        if ending.status in STATUSES_REFUNDED:
            self.store.bill(prediction, "refund", now)
        self.store.save(prediction)
        self._shootings.pop(prediction_id, None)
        return prediction

    async def _announce(self, prediction: Prediction) -> Prediction:
        """One try of the webhook, and when the next is due."""
        now = self.clock()
        body = result(prediction, self.settings.url, now)
        delivery = await webhooks.send(
            prediction.webhook, body, self.webhook_secret(), now, self.transport
        )
        # It may have been removed while the receiver took its time.
        current = self.store.find(prediction.id) or prediction
        current.deliveries.append(delivery)
        wait = webhooks.wait_after(current.deliveries)
        current.announce_at = None if wait is None else self.clock() + wait
        self.store.save(current)
        return current

    def webhook_secret(self) -> str:
        """The account's secret, `whsec_` and 32 hex digits."""
        return webhooks.SECRET_PREFIX + self.store.secret("webhook")


def _give_way() -> None:
    """Lets the servers beside this thread go first; only Linux has priorities per thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
