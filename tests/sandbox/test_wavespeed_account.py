"""The account's side: balance, models and prices, bills, usage."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.wavespeed_stage import MODEL, TEXT_MODEL, Stage

pytestmark = pytest.mark.anyio


async def data_of(stage: Stage, path: str, **asked: Any) -> Any:
    answer = await stage.post(path, asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["code"] == 200
    return answer.json()["data"]


async def test_the_balance_is_a_plain_number_of_dollars(stage: Stage) -> None:
    assert '"balance":1000.0' in (await stage.get("/balance")).text
    await stage.accepted("[stuck]", resolution="1080p")
    text = (await stage.get("/balance")).text
    assert Decimal(text.rpartition(":")[2].strip("}")) == Decimal("999.055")


async def test_the_models_come_with_their_schema(stage: Stage) -> None:
    models = (await stage.get("/models")).json()["data"]
    assert [model["model_id"] for model in models] == [MODEL, TEXT_MODEL]
    film = models[0]
    assert (film["base_price"], film["type"]) == (0.7, "image-to-video")
    (run,) = film["api_schema"]["api_schemas"]
    assert (run["type"], run["method"]) == ("model_run", "POST")
    assert (run["server"], run["api_path"]) == (stage.settings.url, f"/api/v3/{MODEL}")
    schema = run["request_schema"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["image", "prompt"]
    assert set(schema["properties"]) == {"image", "prompt", "resolution", "duration", "seed"}
    duration = schema["properties"]["duration"]
    assert (duration["minimum"], duration["maximum"]) == (3, 15)


@pytest.mark.parametrize(
    ("inputs", "price"),
    [
        ({}, 0.7),
        ({"resolution": "1080p"}, 0.945),
        ({"resolution": "1080p", "duration": 10}, 1.89),
        ({"duration": 3, "prompt": "a fox", "image": "https://outside.example/a.png"}, 0.42),
        ({"resolution": "1080p", "duration": 15}, 2.835),
    ],
)
async def test_prices_are_the_documented_ones(
    stage: Stage, inputs: dict[str, object], price: float
) -> None:
    data = await data_of(stage, "/model/price", model_id=MODEL, inputs=inputs)
    assert data == {
        "model_id": MODEL,
        "price": price,
        "discounted_price": price,
        "discount_rate": 100,
        "currency": "USD",
    }


async def test_a_price_of_nothing_known_is_refused(stage: Stage) -> None:
    assert (await stage.post("/model/price", {"model_id": "no/such"})).status_code == 404
    bad = {"model_id": MODEL, "inputs": {"duration": 99}}
    assert (await stage.post("/model/price", bad)).status_code == 400
    assert (await stage.post("/model/price", {})).status_code == 400


async def test_a_failure_has_two_bills_and_a_success_has_one(stage: Stage) -> None:
    failed = (await stage.ended("[fail]"))["id"]
    good = (await stage.ended("[empty]", duration=10))["id"]
    data = await data_of(stage, "/billings/search")
    rows = [
        (item["billing_type"], item["prediction"]["uuid"], item["price"]) for item in data["items"]
    ]
    assert rows == [("deduct", good, 1.4), ("refund", failed, 0.7), ("deduct", failed, 0.7)]
    assert (data["page"], data["total"]) == (1, 3)
    assert len({item["uuid"] for item in data["items"]}) == 3


async def test_a_bill_is_open_while_its_job_runs(stage: Stage) -> None:
    prediction_id = await stage.accepted("[empty]")

    async def seen() -> tuple[str, str]:
        (item,) = (await data_of(stage, "/billings/search"))["items"]
        return item["order"]["state"], item["prediction"]["status"]

    assert await seen() == ("pre", "created")
    stage.clock.advance(4)
    await stage.result(prediction_id)
    assert await seen() == ("done", "completed")


async def test_bills_are_searched_by_kind_prediction_and_date(stage: Stage) -> None:
    failed = (await stage.ended("[fail]"))["id"]
    stage.clock.advance(60)
    late = await stage.accepted("[stuck]")

    async def found(**asked: object) -> list[tuple[str, str]]:
        items = (await data_of(stage, "/billings/search", **asked))["items"]
        return [(item["billing_type"], item["prediction"]["uuid"]) for item in items]

    assert await found(billing_type="refund") == [("refund", failed)]
    assert await found(prediction_uuids=[late]) == [("deduct", late)]
    assert await found(end_time="2026-01-01T00:00:02Z") == [("deduct", failed)]
    assert await found(start_time="2026-01-01T00:01:00Z") == [("deduct", late)]
    assert await found(page=2, page_size=1) == [("refund", failed)]
    refused = await stage.post("/billings/search", {"billing_type": "gift"})
    assert refused.status_code == 400


async def test_usage_is_summed_by_model_day_and_in_all(stage: Stage) -> None:
    await stage.ended("[empty]")
    await stage.ended("[fail]")
    stage.clock.advance(24 * 3600)
    await stage.ended("[empty]", model=TEXT_MODEL, resolution="1080p")
    data = await data_of(stage, "/user/usage_stats")
    one = {"total_cost": 0.945, "total_requests": 1, "success_requests": 1}
    two = {"total_cost": 0.7, "total_requests": 2, "success_requests": 1}
    assert data["summary"] == {"total_cost": 1.645, "total_requests": 3, "success_requests": 2}
    assert sorted(data["per_model_usage"], key=lambda row: str(row["model_uuid"])) == [
        {"model_uuid": MODEL} | two,
        {"model_uuid": TEXT_MODEL} | one,
    ]
    assert sorted(data["daily_usage"], key=lambda row: str(row["date"])) == [
        {"date": "2026-01-01"} | two,
        {"date": "2026-01-02"} | one,
    ]


async def test_usage_is_narrowed_to_a_model_and_a_time(stage: Stage) -> None:
    await stage.ended("[empty]")
    stage.clock.advance(3600)
    await stage.ended("[empty]", model=TEXT_MODEL)

    async def counted(**asked: object) -> int:
        return int(
            (await data_of(stage, "/user/usage_stats", **asked))["summary"]["total_requests"]
        )

    assert await counted(model_uuid=TEXT_MODEL) == 1
    assert await counted(start_time="2026-01-01T00:30:00Z") == 1
    assert await counted(end_time="2026-01-01T00:30:00Z") == 1
    assert await counted(start_time="2026-01-03T00:00:00Z") == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/balance"),
        ("GET", "/models"),
        ("POST", "/model/price"),
        ("POST", "/billings/search"),
        ("POST", "/user/usage_stats"),
        ("POST", "/predictions"),
        ("POST", "/predictions/delete"),
    ],
)
async def test_everything_about_the_account_needs_the_key(
    stage: Stage, method: str, path: str
) -> None:
    answer = await stage.web.request(method, f"/api/v3{path}", json={})
    assert answer.status_code == 401
