"""Errors: one JSON shape below /api/, a page elsewhere."""

import json
from typing import Any

import pytest
from django.http import Http404, HttpRequest
from django.test import Client, RequestFactory
from rest_framework import exceptions

from config import errors
from tests.cast import Customer

MODEL = "/api/v3/alibaba/happyhorse-1.1/image-to-video"


def body_of(error: Exception) -> Any:
    response = errors.answer(error, {})
    assert response is not None
    assert response.data["code"] == response.status_code
    return response.data


def test_an_error_of_ours_carries_status_sentence_and_figures() -> None:
    error = errors.ApiError(402, "This costs $0.945.", {"missing": 0.945})
    assert body_of(error) == {
        "code": 402,
        "message": "This costs $0.945.",
        "data": {"missing": 0.945},
    }


def test_without_figures_there_is_no_data() -> None:
    assert body_of(errors.ApiError(404, "Nothing there.")) == {
        "code": 404,
        "message": "Nothing there.",
    }


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (exceptions.ParseError(), 400, "The body is not valid JSON."),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "Content-Type: application/json"),
        (exceptions.AuthenticationFailed("Invalid API key."), 401, "Invalid API key."),
        (exceptions.MethodNotAllowed("PUT"), 405, 'Method "PUT" not allowed.'),
        (Http404("No upload of this name."), 404, "No upload of this name."),
    ],
)
def test_errors_of_the_framework_have_the_same_shape(
    error: Exception, status: int, words: str
) -> None:
    body = body_of(error)
    assert set(body) == {"code", "message"}
    assert body["code"] == status
    assert words in body["message"]


def test_an_error_that_nobody_foresaw_is_left_to_be_logged() -> None:
    assert errors.answer(RuntimeError("boom"), {}) is None


@pytest.mark.parametrize("path", ["/api/", "/api/v2/balance", "/api/v3", "/api/nothing/at/all"])
@pytest.mark.django_db
def test_an_unknown_address_below_api_is_answered_in_json(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer.json() == {"code": 404, "message": f"There is nothing at {path}."}


@pytest.mark.parametrize("path", ["/nothing", "/account/nothing", "/billing/", "/apiary"])
@pytest.mark.django_db
def test_an_unknown_address_elsewhere_is_answered_with_a_page(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
    assert "</html>" in answer.content.decode()


def test_a_body_that_is_not_json_is_answered_with_what_to_send(alice: Customer) -> None:
    answer = Client().post(MODEL, "{", content_type="application/json", headers=alice.bearer)
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "message": (
            "The body is not valid JSON. Send one JSON object with the model's parameters."
        ),
    }


def test_a_form_is_answered_with_the_content_type_to_send(alice: Customer) -> None:
    answer = Client().post(MODEL, {"prompt": "x"}, headers=alice.bearer)
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["message"]


def test_a_method_that_an_address_does_not_know_is_answered_in_json(alice: Customer) -> None:
    answer = Client().delete("/api/v3/balance", headers=alice.bearer)
    assert answer.status_code == 405
    assert answer.json()["code"] == 405


def asked(path: str) -> HttpRequest:
    return RequestFactory().get(path)


def test_a_breakdown_below_api_is_json_and_tells_nothing_of_the_inside() -> None:
    answer = errors.server_error(asked("/api/v3/balance"))
    assert answer.status_code == 500
    body = json.loads(answer.content)
    assert body["code"] == 500
    assert body["message"].startswith("Something broke on our side")


def test_a_breakdown_elsewhere_is_a_page_that_needs_no_database() -> None:
    answer = errors.server_error(asked("/gallery"))
    assert answer.status_code == 500
    assert answer["Content-Type"].startswith("text/html")
    assert "</html>" in answer.content.decode()
