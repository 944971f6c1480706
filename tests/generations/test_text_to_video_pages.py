"""The website's way to films from words: form, page, card and docs."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from generations import catalog
from generations.models import Generation
from tests.cast import Customer
from tests.generations.stage import words_job as job

MODEL = catalog.TEXT_TO_VIDEO.id

Drive = Callable[[], None]


def text(answer: Any) -> str:
    """Return the page's words as a person reads them."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def send(customer: Customer, **fields: Any) -> Any:
    """Send the form for a film from words."""
    good = {"prompt": "A horse", "aspect_ratio": "4:3", "resolution": "720p", "duration": "5"}
    return customer.browser.post("/create", {"model": MODEL, **good, "seed": "", **fields})


def test_the_form_for_words_asks_for_no_picture(alice: Customer) -> None:
    markup = alice.browser.get(f"/create?model={MODEL}").content.decode()

    assert f'name="model" value="{MODEL}"' in markup
    assert 'type="file"' not in markup
    assert [f'value="{ratio}"' in markup for ratio in ("16:9", "9:16", "1:1", "4:3", "3:4")]
    assert 'value="16:9" checked' in markup
    assert 'value="1080p"' not in markup
    assert "$0.70" in markup


def test_the_form_leads_to_the_other_model(alice: Customer) -> None:
    for page in ("/create", f"/create?model={MODEL}"):
        markup = alice.browser.get(page).content.decode()
        chosen = re.findall(r'href="(/create[?]model=[^"]*)"[^>]*aria-current="page"', markup)
        links = re.findall(r'href="(/create[?]model=[^"]*)"', markup)
        assert len(links) == 2
        assert len(chosen) == 1
        answer = alice.browser.get(html.unescape(chosen[0]))
        assert ('type="file"' in answer.content.decode()) == ('type="file"' in markup)


def test_the_form_starts_a_film_from_words(alice: Customer) -> None:
    answer = send(alice)

    film = Generation.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/films/{film.pk}")
    assert (film.model, film.upload, film.price_micros) == (MODEL, None, 700_000)
    assert film.inputs == {
        "prompt": "A horse",
        "aspect_ratio": "4:3",
        "resolution": "720p",
        "duration": 5,
        "seed": -1,
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": ""}, "Say what happens."),
        ({"prompt": " \r\n "}, "It is required; please say what happens."),
        ({"aspect_ratio": "2:1"}, "2:1 is not one of the available choices"),
        ({"resolution": "1080p"}, "1080p is not one of the available choices"),
        ({"duration": "2"}, "greater than or equal to 3"),
    ],
)
def test_what_is_wrong_is_said_beside_it(
    change: dict[str, str], says: str, alice: Customer
) -> None:
    answer = send(alice, **change)

    assert answer.status_code == 200
    assert says in text(answer)
    assert f'name="model" value="{MODEL}"' in answer.content.decode()
    assert not Generation.objects.exists()


@pytest.mark.usefixtures("with_1080p")
def test_the_form_offers_1080p_once_it_has_a_price(alice: Customer) -> None:
    markup = alice.browser.get(f"/create?model={MODEL}&resolution=1080p").content.decode()

    assert 'value="1080p" data-micros="201500" checked' in markup
    assert "$1.0075" in markup


def test_another_film_begins_with_the_earlier_one_s_words(alice: Customer) -> None:
    film = job(alice, "An earlier horse", aspect_ratio="3:4", seed=42)

    markup = alice.browser.get(f"/create?from={film.pk}").content.decode()

    assert f'name="model" value="{MODEL}"' in markup
    assert "An earlier horse</textarea>" in markup
    assert 'value="3:4" checked' in markup
    assert 'value="42"' in markup


@pytest.mark.parametrize("model", ["no/such-model", "", "x" * 5000])
def test_a_model_that_is_not_sold_shows_the_first(model: str, alice: Customer) -> None:
    answer = alice.browser.get("/create", {"model": model})

    assert answer.status_code == 200
    assert 'type="file"' in answer.content.decode()


def test_its_page_and_card_need_no_picture(alice: Customer, settle: Drive) -> None:
    film = job(alice, "A page of words", aspect_ratio="9:16")
    for _ in range(2):
        page = alice.browser.get(f"/films/{film.pk}")
        card = alice.browser.get("/gallery").content.decode()
        assert page.status_code == 200
        assert "A page of words" in text(page)
        assert 'data-ar="7"' in card
        assert f"/films/{film.pk}/picture" not in page.content.decode() + card
        settle()

    assert "720 × 1280" in text(page)


def test_the_docs_show_every_model_with_its_parameters(alice: Customer) -> None:
    page = alice.browser.get("/docs")

    for model in catalog.MODELS.values():
        assert f"POST /api/v3/{model.id}" in text(page)
        for parameter in model.parameters:
            assert f"{parameter.description} {parameter.rule}" in text(page)
    assert "How fine the film is. 720p; 720p when left out." in text(page)
