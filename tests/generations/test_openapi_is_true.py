"""A walk through the API: every answer, good or bad, is what the description promises."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from openapi_schema_validator import OAS31Validator

from accounts import keys
from accounts.models import Scope
from billing import caps
from generations import catalog
from generations.openapi.document import document
from tests.cast import Customer
from tests.generations import stage
from tests.pictures import draw

JSON = "application/json"
WORDS = f"/api/v3/{catalog.TEXT_TO_VIDEO.id}"
JOB = "/api/v3/predictions/{prediction_id}"


def strict(schema: Any) -> Any:
    """Return the schema with every object closed that does not say otherwise: nothing unsaid."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: strict(rule) for name, rule in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        inner.setdefault("additionalProperties", False)
    return inner


@dataclass
class Walk:
    """A customer's program that checks each answer against the description."""

    customer: Customer
    described: dict[str, Any] = field(default_factory=lambda: strict(document()))
    seen: set[tuple[str, int]] = field(default_factory=set)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Make the call of this path in the description, and return the answer's data."""
        names = more.pop("names", {})
        headers = {**self.customer.bearer, **more.pop("headers", {})}
        kind = more.pop("kind", JSON)
        sent = {} if body is None else {"data": body, "content_type": kind}
        if kind == JSON and body is not None:
            sent["data"] = json.dumps(body)
        address = path.format(**names) + more.pop("query", "")
        answer = getattr(Client(), method)(address, **sent, headers=headers)
        self.judge(method, path, answer)
        return json.loads(answer.content)["data"]

    def judge(self, method: str, path: str, answer: Any) -> None:
        """Fail unless the description has this answer, with these headers."""
        responses = self.described["paths"][path][method]["responses"]
        assert str(answer.status_code) in responses, (method, path, answer.content)
        promised = self._resolved(responses[str(answer.status_code)])
        schema = promised["content"][JSON]["schema"]
        whole = {**schema, "components": self.described["components"]}
        checker = OAS31Validator.FORMAT_CHECKER
        OAS31Validator(whole, format_checker=checker).validate(json.loads(answer.content))
        for name, part in promised["headers"].items():
            rule = self._resolved(part)
            assert name in answer.headers or not rule.get("required"), (path, name)
        self.seen.add((f"{method} {path}", answer.status_code))

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        _, _, kind, name = part["$ref"].split("/")
        found: dict[str, Any] = self.described["components"][kind][name]
        return found


@pytest.fixture
def walk(alice: Customer) -> Walk:
    return Walk(alice)


def test_films(walk: Walk, settle: Callable[[], None]) -> None:
    picture = stage.upload(walk.customer)
    again = {"headers": {"Idempotency-Key": "once"}}
    job = walk.call("post", stage.MODEL, stage.body(picture), **again)
    walk.call("post", stage.MODEL, stage.body(picture), **again)
    walk.call("post", stage.MODEL, stage.body(picture, seed=5), **again)
    walk.call("post", WORDS, {"prompt": "[fail] A horse", "duration": 3})
    waiting = walk.call("post", WORDS, {"prompt": "A horse"}, query="?webhook=https://a.example/")
    walk.call("get", JOB, names={"prediction_id": waiting["id"]})
    walk.call("post", f"{JOB}/cancel", {}, names={"prediction_id": waiting["id"]})
    walk.call("post", f"{JOB}/cancel", {}, names={"prediction_id": waiting["id"]})
    settle()
    assert walk.call("get", f"{JOB}/result", names={"prediction_id": job["id"]})["outputs"]
    walk.call("post", "/api/v3/predictions", {"include_inputs": True})
    walk.call("post", "/api/v3/predictions", {})
    walk.call("post", "/api/v3/billings/search", {})
    walk.call("post", "/api/v3/user/usage_stats", {})
    walk.call("post", "/api/v3/predictions/delete", {"ids": [job["id"]]})
    walk.call("post", "/api/v3/billings/search", {"prediction_uuids": [job["id"]]})
    assert (f"post {stage.MODEL}", 409) in walk.seen
    assert (f"post {JOB}/cancel", 409) in walk.seen


def test_pictures(walk: Walk) -> None:
    said = {"filename": "horse.jpg", "size": 9000, "content_type": "image/jpeg"}
    ticket = walk.call("post", "/api/v3/media/uploads", said)
    put = "/api/v3/media/uploads/{token}"
    names = {"token": Path(ticket["upload"]["url"]).name}
    walk.call("put", put, b"no picture", kind="image/jpeg", names=names)
    walk.call("put", put, draw(), kind="image/jpeg", names=names)
    walk.call("put", put, draw(), kind="image/jpeg", names={"token": "nobody"})
    walk.call("post", "/api/v3/media/uploads", {**said, "size": 0})
    walk.call("post", "/api/v3/media/upload/binary", {}, kind="multipart/form-data; boundary=x")
    walk.call("post", "/api/v3/media/upload/binary", {"file": 1})
    assert {status for _, status in walk.seen} == {200, 400, 404, 415}


def test_what_is_asked_without_a_body(walk: Walk) -> None:
    key = walk.customer.account.api_keys.get()
    for path in ("models", "balance", "key", "webhook/secret"):
        walk.call("get", f"/api/v3/{path}")
    caps.choose(key, 1_000_000, "day", 0)
    walk.call("get", "/api/v3/key")
    asked = {"model_id": catalog.IMAGE_TO_VIDEO.id, "inputs": {"duration": 7}}
    for path in ("price", "pricing"):
        walk.call("post", f"/api/v3/model/{path}", asked)
        walk.call("post", f"/api/v3/model/{path}", {"model_id": "no/such"})


def test_refusals(walk: Walk, bob: Customer) -> None:
    key, secret = keys.issue(
        walk.customer.account, walk.customer.user, "reads", rules=keys.Rules([Scope.READ])
    )
    del key
    body = {"prompt": "A horse"}
    walk.call("post", WORDS, {"prompt": ""})
    walk.call("post", WORDS, body, headers={"Authorization": "Bearer nobody"})
    walk.call("post", WORDS, body, headers=bob.bearer)
    walk.call("post", WORDS, body, headers={"Authorization": f"Bearer {secret}"})
    walk.call("post", WORDS, "x" * 1_100_000)
    walk.call("post", WORDS, b"<a/>", kind="text/xml")
    walk.call("get", f"{JOB}/result", names={"prediction_id": "0" * 32})
    statuses = {status for call, status in walk.seen if call == f"post {WORDS}"}
    assert statuses == {400, 401, 402, 403, 413, 415}
