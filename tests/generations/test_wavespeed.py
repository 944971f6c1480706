"""The upstream client: what each answer means for a job, and whether it may be asked again.

A transport stands in for answers that the sandbox cannot give; the rest is tested against it.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from generations.wavespeed import (
    Client,
    InDoubt,
    Prediction,
    Refused,
    Unavailable,
    UpstreamError,
)
from tests.generations import stage
from tests.pictures import draw

T = TypeVar("T")
Answer = Callable[[httpx.Request], httpx.Response]

MODEL = "alibaba/happyhorse-1.1/image-to-video"
INPUTS = {"image": "https://x/a.jpg", "prompt": ""}


def ask(answer: Answer, question: Callable[[Client], Awaitable[T]]) -> T:
    """Put a question to an upstream that answers like this."""

    async def run() -> T:
        async with Client(httpx.MockTransport(answer)) as client:
            return await question(client)

    return async_to_sync(run)()


def submit(answer: Answer) -> Prediction:
    """Submit a job to an upstream that answers like this."""
    return ask(answer, lambda client: client.submit(MODEL, INPUTS, "https://us.test/hook?a=b"))


def says(status: int, body: object) -> Answer:
    """Return an upstream that always answers this."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: httpx.Response(status, content=content)


def breaks(error: type[httpx.HTTPError]) -> Answer:
    """Return an upstream on the way to which something breaks."""

    def answer(_: httpx.Request) -> httpx.Response:
        raise error("broken")

    return answer


def data(**fields: Any) -> dict[str, Any]:
    """Return an envelope."""
    return {"code": 200, "message": "success", "data": fields}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, {"message": "field"}, Refused),
        (404, {"message": "Model not found."}, Refused),
        (422, {}, Refused),
        (400, {"message": "Insufficient credits. Please top up your account."}, Unavailable),
        (400, {"message": "INSUFFICIENT CREDITS"}, Unavailable),
        (401, {}, Unavailable),
        (402, {}, Unavailable),
        (403, {}, Unavailable),
        (408, {}, Unavailable),
        (429, {"message": "You have reached your concurrency limit"}, Unavailable),
        (500, {}, InDoubt),
        (502, b"<html>Bad Gateway</html>", InDoubt),
        (503, {}, InDoubt),
        (504, b"", InDoubt),
        (524, b"", InDoubt),
        (200, b"", InDoubt),
        (200, b"<html>", InDoubt),
        (200, [], InDoubt),
        (200, "text", InDoubt),
        (200, None, InDoubt),
        (200, {}, InDoubt),
        (200, {"data": None}, InDoubt),
        (200, {"data": []}, InDoubt),
        (200, {"data": "text"}, InDoubt),
        (200, {"data": {}}, InDoubt),
        (200, {"data": {"id": None}}, InDoubt),
        (200, {"data": {"id": ""}}, InDoubt),
        (200, {"data": {"id": "a", "code": "many"}}, InDoubt),
        (200, {"data": {"id": "a", "outputs": 5}}, InDoubt),
    ],
)
def test_an_answer_to_the_post_says_whether_the_job_may_have_been_taken(
    status: int, body: object, error: type[UpstreamError]
) -> None:
    with pytest.raises(UpstreamError) as raised:
        submit(says(status, body))
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (httpx.ConnectError, Unavailable),
        (httpx.ConnectTimeout, Unavailable),
        (httpx.PoolTimeout, Unavailable),
        (httpx.ReadTimeout, InDoubt),
        (httpx.WriteTimeout, InDoubt),
        (httpx.ReadError, InDoubt),
        (httpx.WriteError, InDoubt),
        (httpx.RemoteProtocolError, InDoubt),
        (httpx.DecodingError, InDoubt),
    ],
)
def test_a_break_on_the_way_says_whether_the_job_may_have_been_taken(
    broken: type[httpx.HTTPError], error: type[UpstreamError]
) -> None:
    with pytest.raises(UpstreamError) as raised:
        submit(breaks(broken))
    assert type(raised.value) is error


def test_the_post_is_sent_once_whatever_comes_back() -> None:
    for status in (200, 400, 429, 500, 504):
        sent: list[httpx.Request] = []

        def answer(
            request: httpx.Request, status: int = status, sent: list[httpx.Request] = sent
        ) -> httpx.Response:
            sent.append(request)
            return httpx.Response(status)

        with pytest.raises(UpstreamError):
            submit(answer)
        assert len(sent) == 1


def test_the_post_carries_key_inputs_and_our_hook() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=data(id="abc", status="created"))

    assert submit(answer) == Prediction("abc", "created", [], "", 0)
    [post] = sent
    assert post.method == "POST"
    assert post.url.path == f"/api/v3/{MODEL}"
    assert post.url.params["webhook"] == "https://us.test/hook?a=b"
    assert post.headers["Authorization"] == "Bearer sandbox"
    assert json.loads(post.content) == INPUTS


def test_without_a_hook_none_is_asked_for() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert not request.url.query
        return httpx.Response(200, json=data(id="abc"))

    assert ask(answer, lambda client: client.submit(MODEL, INPUTS)).id == "abc"


@pytest.mark.parametrize(
    ("fields", "parsed"),
    [
        ({"id": "a"}, Prediction("a", "", [], "", 0)),
        (
            {"id": "a", "status": None, "outputs": None, "error": None, "code": None},
            Prediction("a", "", [], "", 0),
        ),
        ({"id": "a", "status": "dreaming"}, Prediction("a", "dreaming", [], "", 0)),
        (
            {"id": "a", "status": "failed", "error": "No.", "code": 1402},
            Prediction("a", "failed", [], "No.", 1402),
        ),
        ({"id": "a", "outputs": ["https://x/1"]}, Prediction("a", "", ["https://x/1"], "", 0)),
        ({"id": "a", "error": "x" * 999}, Prediction("a", "", [], "x" * 300, 0)),
        ({"id": "a", "input": {}, "timings": None, "new": [1]}, Prediction("a", "", [], "", 0)),
    ],
)  # fmt: skip
def test_a_prediction_is_read_with_all_but_its_id_missing(
    fields: dict[str, Any], parsed: Prediction
) -> None:
    assert ask(says(200, data(**fields)), lambda client: client.fetch("a")) == parsed


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503])
@pytest.mark.parametrize("step", ["POST", "PUT"])
def test_no_trouble_at_an_upload_is_in_doubt(step: str, status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == step:
            return httpx.Response(status)
        return httpx.Response(200, json=data(**ticket()))

    with pytest.raises((Refused, Unavailable)):
        ask(answer, lambda client: client.upload(draw(), "a.jpg", "image/jpeg"))


def ticket(**changes: Any) -> dict[str, Any]:
    """Return what an upload is answered with."""
    put = {"method": "PUT", "url": "https://files.test/a?sig=1", "headers": {"If-None-Match": "*"}}
    return {"download_url": "https://files.test/a", "upload": put, **changes}


@pytest.mark.parametrize(
    "answered",
    [
        {},
        {"upload": None},
        {"upload": {}},
        ticket(upload={"method": "PUT"}),
        {"upload": ticket()["upload"]},
        ticket(upload={"method": "PUT", "url": "http://x:port/", "headers": {}}),
    ],
)
def test_a_senseless_upload_ticket_is_asked_for_again_later(answered: dict[str, Any]) -> None:
    with pytest.raises(Unavailable):
        ask(
            says(200, data(**answered)),
            lambda client: client.upload(b"x", "a.jpg", "image/jpeg"),
        )


def test_the_signed_put_shows_no_key() -> None:
    puts: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            puts.append(request)
            return httpx.Response(201)
        assert json.loads(request.content) == {
            "filename": "a.jpg",
            "size": 3,
            "content_type": "image/jpeg",
        }
        return httpx.Response(200, json=data(**ticket()))

    address = ask(answer, lambda client: client.upload(b"abc", "a.jpg", "image/jpeg"))

    assert address == "https://files.test/a"
    assert "Authorization" not in puts[0].headers
    assert puts[0].headers["If-None-Match"] == "*"
    assert puts[0].content == b"abc"


@pytest.mark.usefixtures("sandbox")
def test_the_real_protocol_from_upload_to_an_end() -> None:
    async def walk() -> tuple[Prediction, Prediction]:
        async with Client() as client:
            image = await client.upload(draw(), "a.jpg", "image/jpeg")
            inputs = {"image": image, "prompt": "[fail]", **stage.SHORT}
            taken = await client.submit(MODEL, inputs)
            found = await client.find([image, "https://x/never.jpg"], timezone.now())
            assert found == {image: [taken.id]}
            return taken, await client.fetch(taken.id)

    taken, seen = async_to_sync(walk)()

    assert taken.status == "created"
    assert taken.id == seen.id
    assert (seen.status, seen.code) == ("failed", 1403)
