"""The first frame of a job: the customer's own upload, or what a foreign address answers."""

import asyncio
import tempfile

from django.core.files.storage import default_storage

from config.outbound import Fetcher, FetchFailed
from config.turnstile import in_db
from generations import catalog, failures, images, lifecycle
from generations.models import Generation, Upload

FETCH_TRIES_MAX = 3
IMAGE_SECONDS_MAX = 30


class PictureUnusable(Exception):
    """The first frame can never be used; the English sentence is for the customer."""


async def read(job: Generation, fetcher: Fetcher) -> tuple[Upload, bytes]:
    """Return the job's picture and its bytes; a foreign one is fetched, judged and kept first.

    Raises PictureUnusable, FetchFailed when it is worth another try, and StorageDown.
    """
    upload = job.upload or await _fetched(job, fetcher)
    try:
        # Not in the database's thread: others wait for that.
        return upload, await asyncio.to_thread(_content, upload.file)
    except FileNotFoundError as error:
        raise PictureUnusable(failures.PICTURE_GONE) from error


async def _fetched(job: Generation, fetcher: Fetcher) -> Upload:
    with tempfile.TemporaryFile() as file:
        try:
            await fetcher.read(
                job.inputs["image"],
                file,
                size_max=catalog.IMAGE_BYTES_MAX,
                seconds_max=IMAGE_SECONDS_MAX,
            )
        except FetchFailed as error:
            if error.passing and job.attempts + 1 < FETCH_TRIES_MAX:
                raise
            raise PictureUnusable(f"{failures.PICTURE_NOT_READ} {error}") from error
        file.seek(0)
        content = file.read()
    name = job.inputs["image"].rsplit("/", 1)[-1].split("?", 1)[0]
    try:
        upload = await in_db(_receive, job, content, name)
    except images.ImageRefused as refusal:
        raise PictureUnusable(str(refusal)) from refusal
    await in_db(lifecycle.keep_picture, job, upload)
    return upload


def _receive(job: Generation, content: bytes, name: str) -> Upload:
    return images.receive(job.account, content, name)


def _content(name: str) -> bytes:
    with default_storage.open(name) as file:
        content: bytes = file.read()
    return content
