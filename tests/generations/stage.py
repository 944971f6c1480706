"""What the tests of jobs share: jobs at each point of their life, and looks at money and upstream.

The sandbox lives as long as the test run, so a job is found there by its webhook address, which
carries the job's own id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from django.test import Client
from django.utils import timezone

from billing.models import Hold, LedgerAccount, Transfer
from generations import catalog, images, lifecycle
from generations.models import Generation, Upload
from tests.cast import Customer
from tests.pictures import draw

MODEL = "/api/v3/alibaba/happyhorse-1.1/image-to-video"
SHORT = {"resolution": "720p", "duration": 3}
PRICE_SHORT_MICROS = 420_000

Status = Generation.Status


def upload(customer: Customer, **drawing: Any) -> Upload:
    """Keep a drawn picture for the customer."""
    return images.receive(customer.account, draw(**drawing), "disc.jpg")


def body(picture: Upload | str, **inputs: Any) -> dict[str, Any]:
    """Return what a program posts for a 3 s job, with anything replaced or added."""
    image = picture if isinstance(picture, str) else images.address(picture)
    return {"image": image, **SHORT, **inputs}


def job(customer: Customer, picture: Upload | str | None = None, **inputs: Any) -> Generation:
    """Request a job that the driver can take as it is."""
    first_frame = picture if picture is not None else upload(customer)
    wanted = catalog.IMAGE_TO_VIDEO.clean(body(first_frame, **inputs))
    own = first_frame if isinstance(first_frame, Upload) else None
    return lifecycle.request(customer.account, catalog.IMAGE_TO_VIDEO, wanted, upload=own)


def words_job(customer: Customer, prompt: str, **inputs: Any) -> Generation:
    """Request a film of 3 s from words."""
    model = catalog.model(catalog.TEXT_TO_VIDEO.id)
    wanted = model.clean({"prompt": prompt, "duration": 3, **inputs})
    return lifecycle.request(customer.account, model, wanted)


def processing(customer: Customer, upstream_id: str = "") -> Generation:
    """Request a job and walk it to where the upstream has it."""
    generation = job(customer)
    assert lifecycle.start_submit(generation, f"https://pictures.test/{generation.id.hex}")
    assert lifecycle.accept(generation, upstream_id or generation.id.hex, timedelta())
    return generation


def fresh(generation: Generation) -> Generation:
    """Read the job again."""
    return Generation.objects.get(pk=generation.pk)


def hold(generation: Generation) -> Hold:
    """Return the job's hold."""
    return Hold.objects.get(reference=generation.hold_reference)


def captures(generation: Generation) -> int:
    """Return how often the job was charged."""
    reference = generation.hold_reference
    return Transfer.objects.filter(kind=Transfer.Kind.CAPTURE, reference=reference).count()


def age(generation: Generation, **by: float) -> None:
    """Move the moment since when the job has its status into the past."""
    since = timezone.now() - timedelta(**by)
    Generation.objects.filter(pk=generation.pk).update(status_since=since)


def accepted(sandbox: str, generation: Generation) -> list[dict[str, Any]]:
    """Return what the upstream has taken of this job, oldest first."""
    jobs = httpx.get(f"{sandbox}/_sandbox/predictions").json()["predictions"]
    return [one for one in jobs if str(generation.pk) in one["webhook"]]


@dataclass(frozen=True)
class Got:
    """An answer that was read to its end and closed."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def get(browser: Client, address: str, **headers: str) -> Got:
    """Send a GET and read the whole answer, streamed or not."""
    return read(browser.get(address, headers=headers))


def read(answer: Any) -> Got:
    """Read the whole answer, streamed or not: that closes the file behind it."""
    content = b"".join(answer) if answer.streaming else answer.content
    return Got(answer.status_code, answer.headers, content)


def assert_refunded(generation: Generation, *, code: int, says: str) -> None:
    """Check that the job failed for this reason and that its whole price is free again."""
    failed = fresh(generation)
    assert failed.status == Status.FAILED, (failed.status, failed.operator_note)
    assert (failed.error_code, says in failed.error) == (code, True), failed.error
    assert hold(failed).state == Hold.State.RELEASED
    assert captures(failed) == 0
    book = LedgerAccount.objects.get(account=failed.account)
    assert book.held_micros == 0
    assert book.available_micros == book.balance_micros


def assert_charged(generation: Generation) -> None:
    """Check that the job is complete and was paid exactly once."""
    done = fresh(generation)
    assert done.status == Status.COMPLETED, (done.status, done.error, done.operator_note)
    assert hold(done).state == Hold.State.CAPTURED
    assert captures(done) == 1
