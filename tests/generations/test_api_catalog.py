"""Models and prices as programs ask for them: complete, exact, from the catalogue alone."""

import json
from typing import Any

import pytest
from django.test import Client

from generations import catalog, pricing
from tests.cast import Customer

MODELS = "/api/v3/models"
PRICE = "/api/v3/model/price"
LEGACY = "/api/v3/model/pricing"
IMAGE = "alibaba/happyhorse-1.1/image-to-video"
TEXT = "alibaba/happyhorse-1.1/text-to-video"


@pytest.fixture
def listed(alice: Customer) -> dict[str, dict[str, Any]]:
    """The models on sale, by name."""
    answer = alice.get(MODELS)
    assert answer.status_code == 200
    assert set(answer.json()) == {"code", "message", "data"}
    return {model["model_id"]: model for model in answer.json()["data"]}


def price(customer: Customer, model: str, **inputs: Any) -> str:
    """Return the price exactly as it is written in the answer."""
    answer = customer.post(PRICE, {"model_id": model, "inputs": inputs})
    assert answer.status_code == 200, answer.content
    data = json.loads(answer.content, parse_float=str)["data"]
    assert set(data) == {"model_id", "price", "discounted_price", "discount_rate", "currency"}
    assert data["model_id"] == model
    assert data["price"] == data["discounted_price"]
    assert (data["discount_rate"], data["currency"]) == (100, "USD")
    written: str = data["price"]
    return written


def test_every_model_is_listed_as_the_protocol_has_it(listed: dict[str, dict[str, Any]]) -> None:
    assert list(listed) == [IMAGE, TEXT]
    for name, model in listed.items():
        assert set(model) == {
            "model_id",
            "name",
            "base_price",
            "description",
            "type",
            "formula",
            "sort_order",
            "api_schema",
        }
        assert (model["name"], model["base_price"]) == (name, 0.7)
        assert model["description"].endswith(".")
    assert [model["type"] for model in listed.values()] == ["image-to-video", "text-to-video"]
    assert [model["sort_order"] for model in listed.values()] == [1, 2]


def test_a_listed_model_says_where_and_how_it_is_called(
    listed: dict[str, dict[str, Any]], settings: Any
) -> None:
    for name, model in listed.items():
        [call] = model["api_schema"]["api_schemas"]
        assert set(call) == {"type", "method", "server", "api_path", "request_schema"}
        assert (call["type"], call["method"]) == ("model_run", "POST")
        assert (call["server"], call["api_path"]) == (settings.PUBLIC_URL, f"/api/v3/{name}")
        schema = call["request_schema"]
        assert (schema["type"], schema["additionalProperties"]) == ("object", False)
        assert schema["x-order-properties"] == list(schema["properties"])


def test_the_schema_of_a_film_from_a_picture(listed: dict[str, dict[str, Any]]) -> None:
    schema = listed[IMAGE]["api_schema"]["api_schemas"][0]["request_schema"]

    assert schema["required"] == ["image"]
    bare = {
        name: {key: value for key, value in rule.items() if key != "description"}
        for name, rule in schema["properties"].items()
    }
    assert bare == {
        "image": {
            "type": "string",
            "minLength": 1,
            "maxLength": 2048,
            "pattern": r"^https?://[^\u0000]*$",
        },
        "prompt": {
            "type": "string",
            "default": "",
            "maxLength": 2500,
            "pattern": catalog.NO_NUL,
        },
        "resolution": {"type": "string", "enum": ["720p", "1080p"], "default": "720p"},
        "duration": {"type": "integer", "minimum": 3, "maximum": 15, "default": 5},
        "seed": {"type": "integer", "minimum": -1, "maximum": 2147483647, "default": -1},
    }
    assert all(rule["description"] for rule in schema["properties"].values())


def test_the_schema_of_a_film_from_words(listed: dict[str, dict[str, Any]]) -> None:
    schema = listed[TEXT]["api_schema"]["api_schemas"][0]["request_schema"]

    assert schema["required"] == ["prompt"]
    assert list(schema["properties"]) == [
        "prompt",
        "aspect_ratio",
        "resolution",
        "duration",
        "seed",
    ]
    assert schema["properties"]["prompt"]["minLength"] == 1
    assert schema["properties"]["resolution"]["enum"] == ["720p"]
    assert schema["properties"]["aspect_ratio"]["enum"] == ["16:9", "9:16", "1:1", "4:3", "3:4"]


def test_the_formula_tells_what_the_price_depends_on(listed: dict[str, dict[str, Any]]) -> None:
    prices = '{"720p": 0.14, "1080p": 0.189}'

    assert listed[IMAGE]["formula"] == (
        f'{{"total_price": $lookup({prices}, resolution) * duration}}'
    )
    assert '"1080p"' not in listed[TEXT]["formula"]


@pytest.mark.usefixtures("with_1080p")
def test_a_resolution_is_offered_once_it_has_a_price(alice: Customer) -> None:
    [_, words] = alice.get(MODELS).json()["data"]
    schema = words["api_schema"]["api_schemas"][0]["request_schema"]

    assert schema["properties"]["resolution"]["enum"] == ["720p", "1080p"]
    assert price(alice, TEXT, resolution="1080p", duration=3) == "0.6045"


@pytest.mark.parametrize(
    ("inputs", "written"),
    [
        ({}, "0.7"),
        ({"resolution": "1080p"}, "0.945"),
        ({"duration": 3}, "0.42"),
        ({"duration": 3, "resolution": "1080p"}, "0.567"),
        ({"duration": 15, "resolution": "1080p"}, "2.835"),
        ({"duration": 15.0}, "2.1"),
    ],
)
def test_a_price_has_every_digit_that_counts(
    alice: Customer, inputs: dict[str, Any], written: str
) -> None:
    assert price(alice, IMAGE, **inputs) == written


def test_the_price_is_that_of_the_hold(alice: Customer) -> None:
    for model in catalog.MODELS.values():
        for resolution in model.micros_per_second:
            for seconds in range(3, 16):
                inputs = {"resolution": resolution, "duration": seconds}
                asked = price(alice, model.id, **inputs)
                assert round(float(asked) * 1_000_000) == pricing.quote(model, inputs)


def test_what_the_price_does_not_depend_on_may_be_unfinished(alice: Customer) -> None:
    unfinished = {"image": "", "prompt": "x" * 9999, "seed": None, "enable_sync_mode": True}

    assert price(alice, IMAGE, **unfinished) == "0.7"
    assert price(alice, TEXT, prompt="", aspect_ratio=None) == "0.7"


def test_without_inputs_the_defaults_are_priced(alice: Customer) -> None:
    for body in ({"model_id": IMAGE}, {"model_id": IMAGE, "inputs": None}):
        assert alice.post(PRICE, body).json()["data"]["price"] == 0.7


def test_the_legacy_price_has_its_old_name(alice: Customer) -> None:
    answer = alice.post(LEGACY, {"model_id": IMAGE, "inputs": {"resolution": "1080p"}})

    assert answer.json() == {
        "code": 200,
        "message": "success",
        "data": {"model_id": IMAGE, "unit_price": 0.945, "currency": "USD"},
    }


@pytest.mark.parametrize("path", [PRICE, LEGACY])
@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({}, 400, 'field "model_id": This field is required'),
        ({"model_id": "no/such-model"}, 404, 'Model "no/such-model" not found.'),
        ({"model_id": 5}, 400, 'field "model_id": must be a string'),
        ({"model_id": IMAGE, "inputs": []}, 400, 'field "inputs": Expected a dictionary'),
        ({"model_id": IMAGE, "inputs": {"duration": 2}}, 400, 'field "duration" must be'),
        ({"model_id": IMAGE, "inputs": {"duration": None}}, 400, 'field "duration" must be'),
        ({"model_id": IMAGE, "inputs": {"duratoin": 5}}, 400, 'field "duratoin" is unknown'),
        ({"model_id": TEXT, "inputs": {"resolution": "1080p"}}, 400, 'field "resolution" must'),
        ({"model_id": TEXT, "inputs": {"image": "x"}}, 400, 'field "image" is unknown'),
        ({"model_id": IMAGE, "inputs": {"prompt": "\ud800"}}, 400, "broken character"),
    ],
)
def test_a_price_that_cannot_be_told_is_refused(
    alice: Customer, path: str, body: object, status: int, says: str
) -> None:
    answer = alice.post(path, body)

    assert answer.status_code == answer.json()["code"] == status
    assert says in answer.json()["message"]


def test_nothing_is_told_without_a_key(db: None) -> None:
    assert Client().get(MODELS).status_code == 401
    for path in (PRICE, LEGACY):
        assert Client().post(path, {}, content_type="application/json").status_code == 401
