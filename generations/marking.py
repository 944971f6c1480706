"""What a customer does to a film: give it a title, mark it, share it by a link, go on from it.

The only writer of what generations.marked holds, but for hiding: see generations.disposal.
"""

import io
import secrets

import av
from av.error import FFmpegError
from django.utils.translation import gettext as _
from PIL import Image

from config import media
from generations import images, marked
from generations.models import Generation, Upload

Status = Generation.Status

# 128 bits: nobody comes upon a film by trying.
WORD_BYTES = 16
LAST_FRAME_QUALITY = 95


class NotReady(Exception):
    """The job has no film, so there is nothing to share or to go on from."""

    def __init__(self) -> None:
        super().__init__(_("There is no film yet. Wait until it is ready."))


class FilmGone(Exception):
    """The stored film cannot be read; the sentence is for the customer."""

    def __init__(self) -> None:
        super().__init__(_("The film could not be opened. Try again in a minute."))


def rename(generation: Generation, title: str) -> None:
    """Give the job a title of one line; an empty one takes it away."""
    line = " ".join(title.split())[: marked.TITLE_LENGTH_MAX]
    Generation.objects.filter(pk=generation.pk).update(title=line)


def mark(generation: Generation, *, favourite: bool) -> None:
    """Make the job a favourite of its account, or none."""
    Generation.objects.filter(pk=generation.pk).update(favourite=favourite)


def share(generation: Generation) -> str:
    """Return the word of the film's link, making it on the first call. Raises NotReady.

    Two first calls at the same moment make one.
    """
    shown = Generation.objects.filter(marked.SHOWN, pk=generation.pk, status=Status.COMPLETED)
    shown.filter(share_word="").update(share_word=secrets.token_urlsafe(WORD_BYTES))
    word = shown.values_list("share_word", flat=True).first()
    if not word:
        raise NotReady
    return word


def unshare(generation: Generation) -> None:
    """Take the film's link away for good: sharing again makes another."""
    Generation.objects.filter(pk=generation.pk).update(share_word="")


def shared(word: str) -> Generation | None:
    """Return the film of a link, None when there is none or it was taken away."""
    if not word:
        return None
    return Generation.objects.filter(marked.SHOWN, share_word=word, status=Status.COMPLETED).first()


def last_frame(generation: Generation) -> Upload:
    """Return the film's last frame as a picture of its account, to begin another film with.

    It is cut on the first call and kept. Raises NotReady, FilmGone, and StorageDown.
    """
    if generation.status != Status.COMPLETED or not generation.video:
        raise NotReady
    kept = generation.last_frame
    if kept is not None and kept.is_ready:
        return kept
    content = _cut(generation.video)
    upload = images.receive(generation.account, content, f"last-frame-{generation.id.hex[:8]}.jpg")
    Generation.objects.filter(pk=generation.pk).update(last_frame=upload)
    return upload


def _cut(name: str) -> bytes:
    try:
        with media.storage().open(name) as file, av.open(file, "r", format="mp4") as container:
            image = _last(container)
    except (FileNotFoundError, FFmpegError, IndexError) as error:
        raise FilmGone from error
    content = io.BytesIO()
    image.save(content, "JPEG", quality=LAST_FRAME_QUALITY, subsampling=0)
    return content.getvalue()


def _last(container: av.container.InputContainer) -> Image.Image:
    """Return the last frame; what comes before its own group of frames is not decoded."""
    stream = container.streams.video[0]
    if stream.duration:
        container.seek(stream.duration, stream=stream)
    last = None
    for frame in container.decode(stream):
        last = frame
    if last is None:
        raise IndexError("The film has no frames.")
    image: Image.Image = last.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    return image
