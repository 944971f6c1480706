"""Pictures behind foreign addresses: fetched, judged and kept, or the job fails in plain words."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import Settings

from generations import first_frame
from generations.catalog import IMAGE_BYTES_MAX
from generations.first_frame import FETCH_TRIES_MAX
from generations.models import Generation, Upload
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import Status, accepted, assert_charged, assert_refunded, fresh
from tests.pictures import draw
from tests.ports import free_port
from tests.web import Page, Web

Drive = Callable[[], None]

BAD_PAGES = {
    "404": (Page(status=404), "could not be downloaded. The address answered 404"),
    "not a picture": (Page(content=b"<html>"), "not a complete JPEG, PNG, BMP or WEBP"),
    "empty": (Page(status=204), "not a complete JPEG"),
    "too large": (
        Page(content=b"x" * (IMAGE_BYTES_MAX + 1)),
        "could not be downloaded. What is behind the address is larger than 10485760 bytes",
    ),
    "too small": (Page(content=draw(299, 400)), "299 px wide; it needs at least 300"),
    "too long": (Page(content=draw(780, 300)), "at most 2.5 to 1"),
    "a GIF": (Page(content=draw(format="GIF")), "not a complete JPEG"),
    "away to a private address": (
        Page(status=302, headers={"Location": "http://10.0.0.1/a.jpg"}),
        "The address 10.0.0.1 is private or not allowed",
    ),
    "round in circles": (
        Page(status=302, headers={"Location": "/picture"}),
        "could not be downloaded. The address redirects too often",
    ),
}


@pytest.mark.parametrize("name", BAD_PAGES)
def test_a_bad_address_fails_the_job_with_a_plain_reason(
    name: str, alice: Customer, settle: Drive, web: Web, sandbox: str
) -> None:
    page, says = BAD_PAGES[name]
    job = stage.job(alice, web.put("/picture", page))

    settle()

    assert_refunded(job, code=1402, says=says)
    assert accepted(sandbox, job) == []
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is private"),
        ("http://localhost/a.jpg", "localhost is private"),
        ("http://[::1]/a.jpg", "::1 is private"),
        ("http://1.1.1.1:22/a.jpg", "1.1.1.1 is private or not allowed"),
        ("http://gallop.invalid/a.jpg", "The name gallop.invalid was not found"),
        ("http://[/a.jpg", "was not found. Check the address"),
        ("http://xn--a/", "not a working http(s) address"),
    ],
)
def test_an_address_that_must_not_be_asked_fails_the_job(
    address: str, says: str, alice: Customer, settle: Drive
) -> None:
    job = stage.job(alice, address)

    settle()

    assert_refunded(job, code=1402, says="Your picture could not be downloaded. The")
    assert says in fresh(job).error


def test_our_own_private_services_cannot_be_asked(
    alice: Customer, settle: Drive, web: Web, settings: Settings, sandbox: str
) -> None:
    job = stage.job(alice, web.put("/picture", Page(content=draw())))
    settings.PRIVATE_HOSTS_ALLOWED = {sandbox.removeprefix("http://")}

    settle()

    assert_refunded(job, code=1402, says="is private or not allowed")
    assert web.asked == []


def test_a_good_address_is_fetched_once_and_kept(alice: Customer, settle: Drive, web: Web) -> None:
    job = stage.job(alice, web.put("/my%20horse.png?size=2", Page(content=draw(format="PNG"))))

    settle()

    assert_charged(job)
    kept = fresh(job).upload
    assert kept is not None
    assert (kept.account, kept.content_type) == (alice.account, "image/png")
    assert kept.filename == "my%20horse.png"
    assert web.asked == ["/my%20horse.png?size=2"]


def test_the_picture_that_was_fetched_is_used_when_the_job_has_to_wait(
    alice: Customer, settle: Drive, web: Web, sandbox: str
) -> None:
    address = web.put("/a.jpg", Page(content=draw()))
    job = stage.job(alice, address, prompt="[429] [fail]")

    settle()

    assert web.asked == ["/a.jpg"]
    assert len(accepted(sandbox, job)) == 1


def test_a_passing_trouble_is_tried_again_before_the_job_fails(
    alice: Customer, settle: Drive, web: Web
) -> None:
    job = stage.job(alice, web.put("/a.jpg", Page(status=503)))

    settle()

    assert_refunded(job, code=1402, says="The address answered 503 instead of a file")
    assert len(web.asked) == FETCH_TRIES_MAX


def test_a_passing_trouble_that_passes_is_no_trouble(
    alice: Customer, run_driver: Drive, settle: Drive, web: Web
) -> None:
    job = stage.job(alice, web.put("/a.jpg", Page(status=503)))
    run_driver()
    assert fresh(job).status == Status.CREATED
    assert fresh(job).due_at > timezone.now()

    web.put("/a.jpg", Page(content=draw()))
    settle()

    assert_charged(job)


def test_an_address_that_never_answers_is_given_up_after_its_tries(
    alice: Customer, settle: Drive, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_frame, "IMAGE_SECONDS_MAX", 0.1)
    job = stage.job(alice, web.put("/a.jpg", Page(hangs=True)))

    settle()

    assert_refunded(job, code=1402, says="The address took too long to answer")


def test_an_address_where_nobody_listens_is_given_up_after_its_tries(
    alice: Customer, settle: Drive, settings: Settings
) -> None:
    host = f"127.0.0.1:{free_port()}"
    settings.PRIVATE_HOSTS_ALLOWED = {*settings.PRIVATE_HOSTS_ALLOWED, host}
    job = stage.job(alice, f"http://{host}/a.jpg")

    settle()

    assert_refunded(job, code=1402, says="The address could not be reached")


def test_jobs_with_bad_pictures_do_not_hold_up_the_others(
    alice: Customer, run_driver: Drive, web: Web
) -> None:
    bad = stage.job(alice, web.put("/a.jpg", Page(status=404)))
    good = stage.job(alice)

    run_driver()

    assert fresh(bad).status == Status.FAILED
    assert fresh(good).status == Status.PROCESSING
    assert Generation.objects.unfinished().count() == 1
