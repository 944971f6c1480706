"""What the API accepts and refuses: a refusal names field and rule, and costs nothing."""

import json
from typing import Any

import pytest
from django.test import Client
from django_q.models import OrmQ

from billing.models import Hold
from generations import catalog
from generations.catalog import IMAGE_TO_VIDEO, InvalidInput
from generations.models import Generation
from tests.cast import Customer
from tests.generations.stage import MODEL, body, upload

FOREIGN = "https://pictures.test/horse.jpg"
DURATION_RULE = 'field "duration" must be an integer from 3 to 15, got '
SEED_RULE = 'field "seed" must be an integer from -1 to 2147483647, got '
RESOLUTION_RULE = 'field "resolution" must be one of ["720p", "1080p"], got '

REFUSED = [
    ("prompt", "x" * 2501, 'field "prompt" must have at most 2500 characters, got 2501'),
    ("prompt", 7, 'field "prompt" must be a string, got number 7'),
    ("prompt", None, 'field "prompt" must be a string, got null'),
    ("prompt", "a\x00b", 'field "prompt" must not contain NUL'),
    ("prompt", "\ud800", 'field "prompt"'),
    ("duration", 2, DURATION_RULE + "number 2"),
    ("duration", 16, DURATION_RULE + "number 16"),
    ("duration", 5.5, DURATION_RULE + "number 5.5"),
    ("duration", 1e300, DURATION_RULE + "number 1e+300"),
    ("duration", "abc", DURATION_RULE + 'string "abc"'),
    ("duration", "5", DURATION_RULE + 'string "5"'),
    ("duration", True, DURATION_RULE + "boolean true"),
    ("duration", None, DURATION_RULE + "null"),
    ("duration", [5], DURATION_RULE + "a list"),
    ("duration", {"s": 5}, DURATION_RULE + "an object"),
    ("resolution", "480p", RESOLUTION_RULE + 'string "480p"; please use one of the allowed'),
    ("resolution", "720P", RESOLUTION_RULE + 'string "720P"'),
    ("resolution", 720, RESOLUTION_RULE + "number 720"),
    ("resolution", None, RESOLUTION_RULE + "null"),
    ("seed", -2, SEED_RULE + "number -2"),
    ("seed", 2_147_483_648, SEED_RULE + "number 2147483648"),
    ("seed", "x", SEED_RULE + 'string "x"'),
    ("image", "", 'field "image" is required; please send the address of a JPEG, PNG, BMP'),
    ("image", 5, 'field "image" must be a string, got number 5'),
    ("image", None, 'field "image" must be a string, got null'),
    ("image", "ftp://pictures.test/a.jpg", 'field "image" must be an http(s) address'),
    ("image", "data:image/png;base64,AAAA", 'field "image" must be an http(s) address'),
    ("image", "horse.jpg", 'field "image" must be an http(s) address'),
    ("image", "https://p.test/" + "a" * 2048, 'field "image" must be an http(s) address'),
    ("image", "https://p.test/\x00", 'field "image"'),
    ("image", "https://p.test/\ud800", 'field "image"'),
    ("size", "big", 'field "size" is unknown; please use only: image, prompt, resolution'),
    ("resolution", "\ud800", RESOLUTION_RULE + 'string "?"'),
    ("\ud800", 1, 'field "?" is unknown; please use only'),
]


def assert_nothing_happened(customer: Customer) -> None:
    assert not Generation.objects.exists()
    assert not Hold.objects.exists()
    assert not OrmQ.objects.exists()
    assert customer.available_micros == customer.balance_micros == 25_000_000


@pytest.mark.parametrize(
    ("field", "value", "says"), REFUSED, ids=[f"{row[0]!a}-{str(row[1])[:12]!a}" for row in REFUSED]
)
def test_a_bad_parameter_is_refused_by_name_and_costs_nothing(
    alice: Customer, field: str, value: object, says: str
) -> None:
    answer = alice.post(MODEL, body(FOREIGN, **{field: value}))

    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "data"}
    assert answer.json()["code"] == 400
    assert says in answer.json()["message"]
    assert_nothing_happened(alice)


def test_a_missing_image_is_refused_by_name(alice: Customer) -> None:
    answer = alice.post(MODEL, {"prompt": "A horse"})

    assert answer.status_code == 400
    assert 'field "image" is required' in answer.json()["message"]
    assert_nothing_happened(alice)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"{", "not valid JSON"),
        (b"image=x", "not valid JSON"),
        (b'{"image": NaN}', "not valid JSON"),
        (b'{"image": "\xff"}', "not UTF-8"),
        (b"[1]", "one JSON object"),
        (b'"text"', "one JSON object"),
        (b"null", "one JSON object"),
        (b"", 'field "image" is required'),
    ],
)
def test_a_body_that_is_no_object_is_refused(alice: Customer, raw: bytes, says: str) -> None:
    answer = Client().post(MODEL, raw, content_type="application/json", headers=alice.bearer)

    assert answer.status_code == 400
    assert says in answer.json()["message"]
    assert_nothing_happened(alice)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_body_of_another_type_is_refused_with_415(alice: Customer, content_type: str) -> None:
    answer = Client().post(
        MODEL, json.dumps(body(FOREIGN)), content_type=content_type, headers=alice.bearer
    )

    assert answer.status_code == 415
    assert answer.json()["code"] == 415
    assert "Content-Type: application/json" in answer.json()["message"]
    assert_nothing_happened(alice)


def test_an_unknown_model_is_404_in_the_words_of_wavespeed(alice: Customer) -> None:
    answer = alice.post("/api/v3/no/such-model", body(FOREIGN))

    assert answer.status_code == 404
    said = 'Model "no/such-model" not found. Please check the model identifier.'
    assert (answer.json()["code"], answer.json()["message"]) == (404, said)
    assert_nothing_happened(alice)


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic wrong"}]
)
def test_without_a_good_key_nothing_is_read(alice: Customer, headers: dict[str, str]) -> None:
    answer = Client().post(MODEL, "{", content_type="application/json", headers=headers)

    assert answer.status_code == 401
    assert answer.json()["code"] == 401
    assert "Authorization: Bearer" in answer.json()["message"]
    assert_nothing_happened(alice)


@pytest.mark.parametrize(
    ("inputs", "kept"),
    [
        ({"duration": 3}, {"duration": 3}),
        ({"duration": 15}, {"duration": 15}),
        ({"duration": 5.0}, {"duration": 5}),
        ({"seed": -1}, {"seed": -1}),
        ({"seed": 0}, {"seed": 0}),
        ({"seed": 2_147_483_647}, {"seed": 2_147_483_647}),
        ({"prompt": "x" * 2500}, {"prompt": "x" * 2500}),
        ({"prompt": " ü 馬\n"}, {"prompt": " ü 馬\n"}),
        ({"resolution": "1080p"}, {"resolution": "1080p"}),
    ],
)
def test_the_edges_are_accepted_and_kept_as_they_are(
    alice: Customer, inputs: dict[str, Any], kept: dict[str, Any]
) -> None:
    answer = alice.post(MODEL, body(FOREIGN, **inputs))

    assert answer.status_code == 200, answer.content
    assert Generation.objects.get().inputs.items() >= kept.items()
    assert answer.json()["data"]["input"].items() >= kept.items()


def test_what_is_left_out_gets_its_default(alice: Customer) -> None:
    answer = alice.post(MODEL, {"image": FOREIGN})

    assert answer.json()["data"]["input"] == {
        "image": FOREIGN,
        "prompt": "",
        "resolution": "720p",
        "duration": 5,
        "seed": -1,
    }


def test_the_answer_has_the_shape_of_wavespeed(alice: Customer) -> None:
    answer = alice.post(MODEL, body(upload(alice))).json()

    data = answer.pop("data")
    assert answer == {"code": 200, "message": "success"}
    generation = Generation.objects.get()
    assert data["id"] == generation.id.hex
    assert data["model"] == "alibaba/happyhorse-1.1/image-to-video"
    assert (data["status"], data["outputs"], data["error"]) == ("created", [], "")
    assert data["urls"]["get"].endswith(f"/api/v3/predictions/{data['id']}/result")
    assert data["created_at"].endswith("Z")
    assert (data["executionTime"], data["timings"]) == (0, {"inference": 0})


def test_a_refused_value_is_quoted_in_a_short_form() -> None:
    assert catalog.shown("x" * 100) == f'string "{"x" * 60}"'
    assert catalog.shown([1, 2]) == "a list"
    assert catalog.shown({}) == "an object"


def test_every_parameter_can_be_asked_for_by_name() -> None:
    assert IMAGE_TO_VIDEO.parameter("duration").high == 15
    with pytest.raises(KeyError):
        IMAGE_TO_VIDEO.parameter("colour")


def test_the_error_knows_its_field() -> None:
    with pytest.raises(InvalidInput) as refused:
        IMAGE_TO_VIDEO.clean({"image": FOREIGN, "duration": 99})
    assert refused.value.field == "duration"


@pytest.mark.parametrize("path", ["not-an-id", "0" * 31, "0" * 32])
def test_an_unknown_prediction_is_404(alice: Customer, path: str) -> None:
    answer = alice.get(f"/api/v3/predictions/{path}/result")

    assert answer.status_code == 404
    assert answer.json()["code"] == 404


def test_a_job_of_another_account_does_not_exist(alice: Customer, charlie: Customer) -> None:
    job = alice.post(MODEL, body(upload(alice))).json()["data"]["id"]

    assert alice.get(f"/api/v3/predictions/{job}").status_code == 200
    for path in (f"/api/v3/predictions/{job}", f"/api/v3/predictions/{job}/result"):
        answer = charlie.get(path)
        assert answer.status_code == 404
        assert answer.json()["message"] == "Prediction not found."


@pytest.mark.parametrize("value", ["false", 0, 1, None, []])
def test_sync_mode_is_true_or_false_and_nothing_like_it(alice: Customer, value: object) -> None:
    answer = alice.post(MODEL, {"image": "https://example.org/a.jpg", "enable_sync_mode": value})

    assert answer.status_code == 400
    assert 'field "enable_sync_mode" must be true or false' in answer.json()["message"]
    assert Generation.objects.count() == 0


def test_a_body_beyond_the_limit_is_refused_as_json(alice: Customer) -> None:
    answer = alice.post(MODEL, {"prompt": "x" * (13 * 1024 * 1024)})

    assert answer.status_code == 413
    assert answer.json()["code"] == 413
    assert "larger than" in answer.json()["message"]
