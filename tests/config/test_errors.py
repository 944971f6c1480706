"""Errors: one JSON shape below /api/, a page elsewhere."""

import json
from typing import Any

import pytest
from django.conf import settings as configuration
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.http import Http404, HttpRequest, UnreadablePostError
from django.test import Client, RequestFactory
from rest_framework import exceptions

from billing import ledger
from config import errors
from tests.cast import Customer

MODEL = "/api/v3/alibaba/happyhorse-1.1/image-to-video"


def body_of(error: Exception) -> Any:
    response = errors.answer(error, {})
    assert response is not None
    assert response.data["code"] == response.status_code
    assert response.data["data"].pop("request_id") == "-", "no request is being answered"
    return response.data


def test_an_error_of_ours_carries_status_sentence_and_figures() -> None:
    error = errors.ApiError(402, "This costs $0.945.", {"missing": 0.945})
    assert body_of(error) == {
        "code": 402,
        "message": "This costs $0.945.",
        "data": {"missing": 0.945},
    }


def test_without_figures_there_is_only_the_request_id() -> None:
    assert body_of(errors.ApiError(404, "Nothing there.")) == {
        "code": 404,
        "message": "Nothing there.",
        "data": {},
    }


def test_an_error_says_when_to_come_back() -> None:
    response = errors.answer(errors.ApiError(429, "Too many.", wait=7), {})
    assert response is not None
    assert response["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (exceptions.ParseError(), 400, "The body is not valid JSON."),
        (exceptions.UnsupportedMediaType("text/plain"), 415, "Content-Type: application/json"),
        (exceptions.AuthenticationFailed("Invalid API key."), 401, "Invalid API key."),
        (exceptions.MethodNotAllowed("PUT"), 405, 'Method "PUT" not allowed.'),
        (Http404("No upload of this name."), 404, "No upload of this name."),
        (Http404(), 404, "There is nothing here. Check the address."),
        (PermissionDenied(), 403, "Use a key of the account that it belongs to."),
        (PermissionDenied("Not you."), 403, "Not you."),
        (exceptions.ValidationError({"size": ["Too small."]}), 400, 'field "size": Too small.'),
        (exceptions.ValidationError(["Bad."]), 400, "Bad."),
        (RequestDataTooBig(), 413, "Send less in one request."),
        (TooManyFieldsSent(), 413, "too many fields"),
        (SuspiciousOperation(), 400, "Check how it is written."),
        (UnreadablePostError(), 400, "The body broke off. Send it again."),
    ],
)
def test_errors_of_the_framework_have_the_same_shape(
    error: Exception, status: int, words: str
) -> None:
    body = body_of(error)
    assert set(body) == {"code", "message", "data"}
    assert body["code"] == status
    assert words in body["message"]


def test_an_error_that_nobody_foresaw_is_left_to_be_logged() -> None:
    assert errors.answer(RuntimeError("boom"), {}) is None


@pytest.mark.parametrize("path", ["/api/", "/api/v2/balance", "/api/v3", "/api/nothing/at/all"])
@pytest.mark.django_db
def test_an_unknown_address_below_api_is_answered_in_json(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer.json() == {
        "code": 404,
        "message": f"There is nothing at {path}. Check the address.",
        "data": {"request_id": answer["X-Request-Id"]},
    }


@pytest.mark.parametrize("path", ["/nothing", "/account/nothing", "/billing/", "/apiary"])
@pytest.mark.django_db
def test_an_unknown_address_elsewhere_is_answered_with_a_page(path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 404
    assert answer["Content-Type"].startswith("text/html")
    assert "</html>" in answer.content.decode()


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "not valid JSON (line 1, column 2). Send one JSON object"),
        (b'{"a": 1,}', 400, "not valid JSON (line 1, column 9)"),
        (b"nonsense", 400, "not valid JSON"),
        (b'{"duration": NaN}', 400, "not valid JSON"),
        (b'{"duration": -Infinity}', 400, "not valid JSON"),
        (b'{"seed": ' + b"9" * 5000 + b"}", 400, "not valid JSON"),
        (b'{"prompt": "\xff"}', 400, "not UTF-8: byte 12 fits no letter. Send UTF-8."),
        ('{"prompt": "é"}'.encode("utf-16"), 400, "not UTF-8"),
        (DEEP, 400, "nested too deeply"),
        (DEEP[:500_000], 400, "nested too deeply"),
        (b"[" * 90_000, 400, "nested too deeply"),
        (b'"' + b"x" * 1_048_576, 413, "Upload pictures to /api/v3/media/uploads"),
        (b'"image"', 400, "must be one JSON object"),
        (b"", 400, 'field "image" is required'),
        ("\ufeff{}".encode(), 400, 'field "image" is required'),
    ],
    ids=lambda value: str(value)[:12] if isinstance(value, bytes) else None,
)
def test_a_body_that_cannot_be_read_is_answered_with_what_to_send(
    alice: Customer, body: bytes, status: int, says: str
) -> None:
    answer = Client().post(MODEL, body, content_type="application/json", headers=alice.bearer)
    assert (answer.status_code, answer.json()["code"]) == (status, status)
    assert says in answer.json()["message"]
    assert alice.available_micros == 25_000_000


def test_a_form_that_breaks_off_is_answered_with_the_field_to_send(alice: Customer) -> None:
    answer = Client().post(
        "/api/v3/media/upload/binary",
        b"--x\r\nContent-Disposition: form-data; na",
        content_type="multipart/form-data",
        headers=alice.bearer,
    )
    assert answer.status_code == 400
    assert "the multipart field 'file'" in answer.json()["message"]


def test_json_where_a_form_belongs_is_answered_with_the_content_type(alice: Customer) -> None:
    answer = alice.post("/api/v3/media/upload/binary", {})
    assert answer.status_code == 415
    assert "Content-Type: multipart/form-data" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/api/v3/balance", "/api/nothing"])
@pytest.mark.django_db
def test_a_host_that_is_not_ours_is_answered_in_json_with_our_address(path: str) -> None:
    answer = Client(HTTP_HOST="evil.example").get(path)
    assert answer.status_code == 400
    assert answer.json()["message"].endswith(f"Use {configuration.PUBLIC_URL}.")
    assert answer.json()["data"]["request_id"] == answer["X-Request-Id"]


@pytest.mark.django_db
def test_a_host_that_is_not_ours_gets_a_page_elsewhere() -> None:
    answer = Client(HTTP_HOST="evil.example").get("/gallery")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/api/v3/predictions/%ff%00/result", "/api/%ff", "/api/v3/%00"])
def test_an_address_that_is_no_text_is_answered_in_json(alice: Customer, path: str) -> None:
    answer = alice.get(path)
    assert answer.status_code in {404, 405}
    assert answer.json()["code"] == answer.status_code


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "nonsense"])
def test_an_answer_is_json_whatever_is_accepted(alice: Customer, accept: str) -> None:
    answer = Client().get("/api/v3/balance?format=xml", headers={**alice.bearer, "Accept": accept})
    assert answer.status_code == 200
    assert answer.json()["data"]["balance"] == 25.0


def test_a_form_is_answered_with_the_content_type_to_send(alice: Customer) -> None:
    answer = Client().post(MODEL, {"prompt": "x"}, headers=alice.bearer)
    assert answer.status_code == 415
    assert "Content-Type: application/json" in answer.json()["message"]


def test_a_method_that_an_address_does_not_know_is_answered_in_json(alice: Customer) -> None:
    answer = Client().delete("/api/v3/balance", headers=alice.bearer)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.json()["message"] == 'Method "DELETE" not allowed. Use GET.'


@pytest.mark.parametrize(
    ("path", "allowed", "usable"),
    [
        (MODEL, "POST, OPTIONS", "Use POST."),
        (f"/api/v3/predictions/{'0' * 32}/result", "GET, HEAD, OPTIONS", "Use GET."),
    ],
)
def test_the_quick_views_say_which_methods_they_know(
    alice: Customer, path: str, allowed: str, usable: str
) -> None:
    refused = Client().delete(path, headers=alice.bearer)
    assert (refused.status_code, refused["Allow"]) == (405, allowed)
    assert refused.json()["message"].endswith(usable)
    assert Client().options(path, headers=alice.bearer)["Allow"] == allowed


def test_a_head_is_answered_like_a_get(alice: Customer) -> None:
    for path in ("/api/v3/balance", f"/api/v3/predictions/{'0' * 32}/result"):
        got, asked = alice.get(path), Client().head(path, headers=alice.bearer)
        assert (asked.status_code, asked.content) == (got.status_code, b"")


def test_a_refusal_below_api_is_json_and_a_page_elsewhere() -> None:
    below = errors.forbidden(asked("/api/v3/balance"), PermissionDenied("Not you."))
    assert (below.status_code, json.loads(below.content)["message"]) == (403, "Not you.")
    page = errors.forbidden(asked("/gallery"), PermissionDenied())
    assert (page.status_code, page["Content-Type"]) == (403, "text/html; charset=utf-8")


def test_a_view_that_breaks_is_answered_in_json_with_the_name_to_look_for(
    alice: Customer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(ledger, "book", broken)
    browser = Client(raise_request_exception=False, headers=alice.bearer)

    answer = browser.get("/api/v3/balance")

    assert answer.status_code == 500
    assert answer.json()["data"] == {"request_id": answer["X-Request-Id"]}
    assert "a secret" not in answer.content.decode()
    assert "a secret of the inside" in caplog.text


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
