import uuid
from collections.abc import Mapping

from django import template

from billing.money import MICROS_PER_DOLLAR
from generations import failures, storage
from generations.catalog import IMAGE_TO_VIDEO
from generations.line import Outlook
from generations.models import Generation

register = template.Library()


@register.filter
def film_of(reference: str) -> uuid.UUID | None:
    """Return the id of the job that a reference of the ledger names, if it names one."""
    return Generation.id_in(reference)


@register.filter
def of(outlooks: Mapping[uuid.UUID, Outlook] | None, generation: Generation) -> Outlook | None:
    """Return what can be said of a job, None for a finished one."""
    return outlooks.get(generation.pk) if outlooks else None


@register.simple_tag
def srcset(generation: Generation, poster: str, small: str) -> str:
    """Return the addresses of a film's poster with their widths, for browsers to choose from."""
    sizes = ((small, storage.POSTER_SMALL_SIDE_MAX), (poster, storage.POSTER_SIDE_MAX))
    return ", ".join(f"{address} {_width(generation, most)}w" for address, most in sizes)


def _width(generation: Generation, side_max: int) -> int:
    width, height = generation.shape
    return round(width * min(1.0, side_max / max(width, height)))


@register.filter
def seconds_for(dollars: str, resolution: str) -> int:
    """Return how many whole seconds of video a sum in whole dollars pays for."""
    return int(dollars) * MICROS_PER_DOLLAR // IMAGE_TO_VIDEO.micros_per_second[resolution]


@register.filter
def cancelled(generation: Generation) -> bool:
    """Tell whether a job ended because its customer wanted that."""
    failed = generation.status == Generation.Status.FAILED
    return failed and generation.error == failures.CANCELLED.sentence


@register.filter
def failure(generation: Generation) -> str:
    """Return why a job failed, in the reader's language."""
    return failures.said(generation.error)
