"""The playground: a form that loses nothing that was typed or uploaded."""

import html
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from billing.models import Hold
from generations.models import Generation, Upload
from tests.cast import Customer
from tests.generations import photographs, stage
from tests.pictures import draw

SETTINGS = {"prompt": "A horse", "resolution": "1080p", "duration": "5", "seed": ""}


def picture(content: bytes | None = None, name: str = "a horse.jpg") -> SimpleUploadedFile:
    """Return a file as a browser sends it."""
    return SimpleUploadedFile(name, draw() if content is None else content, "image/jpeg")


def send(customer: Customer, **fields: Any) -> Any:
    """Send the form with good settings, anything replaced."""
    return customer.browser.post("/create", {**SETTINGS, **fields})


def text(answer: Any) -> str:
    """Return the page's words as a person reads them."""
    words = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(html.unescape(words).split())


def test_strangers_are_asked_to_sign_in() -> None:
    answer = Client().get("/create")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


def test_the_page_shows_the_price_before_anything_is_asked(alice: Customer) -> None:
    answer = alice.browser.get("/create?resolution=1080p&duration=5")

    assert answer.status_code == 200
    assert "$0.945" in text(answer)
    assert "$24.055" in text(answer)


@pytest.mark.parametrize("query", ["resolution=480p&duration=99", "duration=abc", "seed=x&from=y"])
def test_nonsense_in_the_address_shows_the_defaults(query: str, alice: Customer) -> None:
    answer = alice.browser.get(f"/create?{query}")

    assert answer.status_code == 200
    assert "Make the film · $0.70" in text(answer)


def test_a_picture_and_settings_start_a_job(alice: Customer) -> None:
    answer = send(alice, picture=picture(), seed="7")

    job = Generation.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/films/{job.pk}"
    assert job.inputs["prompt"] == "A horse"
    assert (job.inputs["resolution"], job.inputs["duration"], job.inputs["seed"]) == ("1080p", 5, 7)
    assert job.upload is not None
    assert (job.upload.filename, job.upload.account) == ("a horse.jpg", alice.account)
    assert (job.user, job.api_key, job.price_micros) == (alice.user, None, 945_000)
    assert alice.available_micros == 24_055_000


def test_no_seed_means_by_chance(alice: Customer) -> None:
    send(alice, picture=picture())

    assert Generation.objects.get().inputs["seed"] == -1


def test_lines_of_a_prompt_are_counted_as_they_are_seen(alice: Customer) -> None:
    # A browser counts a line break as one character and sends it as two.
    answer = send(alice, picture=picture(), prompt="ab\r\n" * 833 + "c")

    assert answer.status_code == 302, text(answer)
    assert Generation.objects.get().inputs["prompt"] == "ab\n" * 833 + "c"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": "x" * 2501}, "at most 2500 characters"),
        ({"duration": "2"}, "greater than or equal to 3"),
        ({"duration": "16"}, "less than or equal to 15"),
        ({"duration": "5.5"}, "Enter a whole number"),
        ({"duration": ""}, "This field is required"),
        ({"resolution": "480p"}, "480p is not one of the available choices"),
        ({"seed": "-2"}, "greater than or equal to -1"),
        ({"seed": "2147483648"}, "less than or equal to 2147483647"),
    ],
)
def test_when_something_is_wrong_the_picture_is_kept(
    change: dict[str, str], says: str, alice: Customer
) -> None:
    answer = send(alice, picture=picture(), **change)

    assert answer.status_code == 200
    assert says in text(answer)
    kept = Upload.objects.get()
    assert f'name="kept" id="id_kept" value="{kept.pk}"' in answer.content.decode()
    assert not Generation.objects.exists()
    assert alice.available_micros == 25_000_000

    assert send(alice, kept=str(kept.pk)).status_code == 302
    assert Generation.objects.get().upload == kept


@pytest.mark.parametrize("name", photographs.REFUSED)
def test_a_picture_that_cannot_be_used_is_refused_in_the_form(name: str, alice: Customer) -> None:
    content, says = photographs.REFUSED[name]

    answer = send(alice, picture=picture(content))

    assert answer.status_code == 200
    assert ("The submitted file is empty" if not content else says) in text(answer)
    assert not Upload.objects.exists()
    assert not Hold.objects.exists()


@pytest.mark.parametrize("kept", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_without_a_picture_the_form_asks_for_one(kept: str, alice: Customer) -> None:
    answer = send(alice, kept=kept)

    assert answer.status_code == 200
    assert "Choose a picture to begin with." in text(answer)


def test_the_picture_of_somebody_else_cannot_be_kept(alice: Customer, charlie: Customer) -> None:
    answer = send(charlie, kept=str(stage.upload(alice).pk))

    assert answer.status_code == 200
    assert "Choose a picture to begin with." in text(answer)
    assert not Generation.objects.exists()


def test_a_ticket_that_was_not_filled_cannot_be_kept(alice: Customer) -> None:
    ticket = Upload.objects.create(
        account=alice.account, filename="a.jpg", content_type="image/jpeg", size=1
    )

    assert "Choose a picture to begin with." in text(send(alice, kept=str(ticket.pk)))


def test_a_refused_picture_does_not_lose_the_kept_one(alice: Customer) -> None:
    kept = stage.upload(alice)

    answer = send(alice, kept=str(kept.pk), picture=picture(b"GIF89a"))

    assert "not a complete JPEG" in text(answer)
    assert str(kept.pk) in answer.content.decode()


def test_missing_credit_is_named_with_every_figure_and_nothing_is_lost(bob: Customer) -> None:
    answer = send(bob, picture=picture())

    assert answer.status_code == 200
    says = text(answer)
    assert "This film costs $0.945 and you have $0.00 to spend. $0.945 is missing." in says
    assert "Nothing was charged." in says
    page = answer.content.decode()
    assert 'href="/billing"' in page
    assert "A horse</textarea>" in page
    assert str(Upload.objects.get().pk) in page
    assert not Generation.objects.exists()
    assert not Hold.objects.exists()


def test_another_film_begins_with_the_settings_of_an_earlier_one(
    finished: Generation, alice: Customer
) -> None:
    Generation.objects.update(inputs={**finished.inputs, "prompt": "A grey horse", "seed": 42})

    page = alice.browser.get(f"/create?from={finished.pk}").content.decode()

    assert "A grey horse</textarea>" in page
    assert 'value="42"' in page
    assert f'value="{finished.upload_id}"' in page
    assert "$0.42" in page


def test_the_settings_of_somebody_else_stay_theirs(finished: Generation, charlie: Customer) -> None:
    Generation.objects.update(inputs={**finished.inputs, "prompt": "A secret horse"})

    answer = charlie.browser.get(f"/create?from={finished.pk}")

    assert answer.status_code == 200
    assert "secret" not in answer.content.decode()
    assert str(finished.upload_id) not in answer.content.decode()


def test_words_of_customers_are_shown_as_words(alice: Customer) -> None:
    answer = send(alice, prompt="</textarea><script>alert(1)</script>")

    assert b"<script>alert" not in answer.content
    assert b"&lt;script&gt;alert" in answer.content


def test_the_form_cannot_be_sent_from_elsewhere(alice: Customer) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = alice.browser.cookies

    assert browser.post("/create", SETTINGS).status_code == 403
