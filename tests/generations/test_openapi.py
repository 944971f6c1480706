"""The description of the API: whole, right by its own rules, and true."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import yaml
from django.test import Client
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pytest_django import Settings

from config.openapi import Schema, Undescribed
from generations import catalog
from generations.openapi.document import document
from tests.access.routes import all_routes

SCHEMA = "/api/schema"
# The address of all models stands in the document as one of each model.
OF_MODELS = "/api/v3/{model}"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def operations(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every call as "POST /api/v3/predictions" with its operation, the webhooks last."""
    for section in ("paths", "webhooks"):
        for path, item in described[section].items():
            for method in METHODS & set(item):
                yield f"{method.upper()} {path}", item[method]


def check(described: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    """Fail unless the value fits the schema, formats included."""
    whole = {**schema, "components": described["components"]}
    OAS31Validator(whole, format_checker=OAS31Validator.FORMAT_CHECKER).validate(value)


def contents(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield everything that has a schema and examples, with where it stands."""
    for call, operation in operations(described):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{call} body {kind}", content
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                yield f"{call} {status} {kind}", content
    for name, answer in described["components"]["responses"].items():
        yield name, answer["content"]["application/json"]


def test_it_is_openapi_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(deepcopy(described)).iter_errors()) == []


def test_every_address_below_api_is_in_it(described: dict[str, Any]) -> None:
    models = {f"/api/v3/{name}" for name in catalog.MODELS}
    patterns = {"/" + route.pattern for route in all_routes() if route.pattern.startswith("api/")}
    addresses = {
        pattern.replace("<str:", "{").replace("<path:", "{").replace(">", "}")
        for pattern in patterns
    }
    assert len(addresses) > 15
    assert set(described["paths"]) == addresses - {OF_MODELS} | models


def test_a_call_that_nobody_described_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    call = "GET /api/v3/balance"
    document()
    rest = {name: one for name, one in Schema.described.items() if name != call}
    monkeypatch.setattr(Schema, "described", rest)
    with pytest.raises(Undescribed, match=call):
        Schema().get_operation("/api/v3/balance", "", "", "GET", None)


def test_every_example_fits_its_schema(described: dict[str, Any]) -> None:
    count = 0
    for where, content in contents(described):
        for name, example in content.get("examples", {}).items():
            try:
                check(described, content["schema"], example["value"])
            except ValueError as error:
                raise AssertionError(f"{where}, example {name}") from error
            count += 1
    assert count > 50


def test_every_parameter_and_header_has_an_example_that_fits(described: dict[str, Any]) -> None:
    parameters = [
        parameter
        for _, operation in operations(described)
        for parameter in operation.get("parameters", [])
    ]
    headers = [one for one in described["components"]["headers"].values() if "example" in one]
    assert len(parameters) > 10
    assert len(headers) > 3
    for one in [*parameters, *headers]:
        check(described, one["schema"], one["example"])


def test_every_answer_and_every_json_body_has_an_example(described: dict[str, Any]) -> None:
    without = {
        where
        for where, content in contents(described)
        if not content.get("examples") and "application/json" in where
    }
    assert without == {"GET /api/schema 200 application/json"}


def test_every_call_says_what_may_go_wrong_in_one_shape(described: dict[str, Any]) -> None:
    for path, item in described["paths"].items():
        [operation] = item.values()
        refused = {code: one for code, one in operation["responses"].items() if code != "200"}
        least = {"400", "500"}
        if operation["security"]:
            least |= {"401", "403", "429"}
        if "requestBody" in operation:
            least |= {"413", "415"}
        assert least <= set(refused), path
        assert all("#/components/responses/" in one["$ref"] for one in refused.values())
    for answer in described["components"]["responses"].values():
        schema = answer["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Error"}


def test_the_scope_that_a_key_needs_is_named(described: dict[str, Any]) -> None:
    balance = described["paths"]["/api/v3/balance"]["get"]
    assert balance["security"] == [{"key": ["billing"]}]
    assert "scope `billing`" in balance["description"]
    sent = described["paths"]["/api/v3/media/uploads/{token}"]["put"]
    assert sent["security"] == []
    assert "No key is needed" in sent["description"]


def test_the_inputs_of_a_model_are_those_of_the_catalogue(described: dict[str, Any]) -> None:
    for model in catalog.MODELS.values():
        operation = described["paths"][f"/api/v3/{model.id}"]["post"]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        inputs = {name: rule for name, rule in schema["properties"].items()
                  if name not in catalog.TRANSPORT}  # fmt: skip
        assert inputs == model.schema["properties"]
        assert schema["required"] == model.schema["required"]


@pytest.mark.parametrize(
    "prompt", ["", " ", "\u3000\n", "\x1c", "a\x00", "\x00", "é", " a ", "🐎", "\x01", "a\nb"]
)
@pytest.mark.parametrize("model", catalog.MODELS.values(), ids=str)
def test_what_the_pattern_says_of_a_prompt_is_what_we_accept(
    model: catalog.Model, prompt: str
) -> None:
    parameter = model.parameter("prompt")
    fits = OAS31Validator(parameter.schema).is_valid(prompt)
    try:
        parameter.clean(prompt)
    except catalog.InvalidInput:
        assert not fits
    else:
        assert fits


def test_a_new_model_shows_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    new = replace(catalog.TEXT_TO_VIDEO, id="somebody/else", kind="words-to-film")
    monkeypatch.setattr(catalog, "MODELS", {**catalog.MODELS, new.id: new})
    monkeypatch.setattr(Schema, "described", {})
    operation = document.__wrapped__()["paths"]["/api/v3/somebody/else"]["post"]
    assert operation["operationId"] == "submitWordsToFilm"


def test_every_event_that_we_send_is_among_the_webhooks(described: dict[str, Any]) -> None:
    assert set(described["webhooks"]) == {
        "generation.completed",
        "generation.failed",
        "balance.low",
        "spend.reached",
        "webhook.test",
        "prediction.ended",
    }


@pytest.mark.django_db
def test_it_is_served_to_anybody_as_json_or_yaml(described: dict[str, Any]) -> None:
    as_json = Client().get(SCHEMA)
    assert (as_json.status_code, as_json["Content-Type"]) == (200, "application/json")
    assert json.loads(as_json.content) == described
    as_yaml = Client().get(SCHEMA, headers={"Accept": "application/yaml"})
    assert as_yaml["Content-Type"].startswith("application/yaml")
    assert yaml.safe_load(as_yaml.content) == described
    assert "Accept" in as_yaml["Vary"].split(", ")


@pytest.mark.django_db
def test_a_browser_gets_json_and_another_method_is_refused_in_our_shape() -> None:
    page = Client().get(SCHEMA, headers={"Accept": "text/html,*/*;q=0.8"})
    assert page["Content-Type"] == "application/json"
    refused = Client().post(SCHEMA, {}, content_type="application/json")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert refused.json()["code"] == 405


def test_it_names_the_address_where_it_is_served(
    described: dict[str, Any], settings: Settings
) -> None:
    assert described["servers"] == [{"url": settings.PUBLIC_URL}]
