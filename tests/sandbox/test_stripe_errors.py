"""What the API answers when something is wrong with the caller or with the request."""

import logging

import httpx
import pytest
import stripe

from sandbox.stripe.context import API_VERSION
from sandbox.stripe.store import Database
from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import DISPUTED, Shop

shop = pytest.fixture(stripe_shop.shop)

KEY = "Bearer sk_test_sandbox"


def get(shop: Shop, path: str, **headers: str) -> httpx.Response:
    return shop.browser.get(path, headers={"Authorization": KEY} | headers)


def test_the_stand_in_speaks_the_version_of_the_sdk() -> None:
    assert stripe.api_version == API_VERSION


def test_another_key_is_refused_and_not_printed(shop: Shop) -> None:
    with pytest.raises(stripe.AuthenticationError) as refused:
        shop.client("sk_test_somebodys_own_secret").v1.customers.list()
    assert refused.value.http_status == 401
    assert "somebodys" not in str(refused.value)


def test_a_key_comes_as_bearer_token_or_as_basic_user(shop: Shop) -> None:
    assert shop.browser.get("/v1/customers", auth=("sk_test_sandbox", "")).status_code == 200
    for wrong in ("", "Bearer", "Basic ???", "Basic /w==", "Token sk_test_sandbox"):
        answer = shop.browser.get("/v1/customers", headers={"Authorization": wrong})
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_wrong_key_makes_no_control_call(shop: Shop) -> None:
    shop.stripe.v1.customers.create()
    answer = shop.browser.post("/v1/_sandbox/work")
    assert answer.status_code == 401
    assert shop.receiver.taken == []


def test_every_answer_names_request_and_version(shop: Shop) -> None:
    answer = get(shop, "/v1/customers", **{"Stripe-Version": "2025-03-31.basil"})
    assert answer.headers["stripe-version"] == "2025-03-31.basil"
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["content-type"] == "application/json"
    missing = get(shop, "/v1/customers/cus_none")
    assert missing.headers["request-id"] != answer.headers["request-id"]
    assert missing.headers["stripe-version"] == API_VERSION
    assert get(shop, "/v1/customers", **{"Stripe-Version": "new"}).status_code == 400


def test_a_missing_object_is_404_by_address_and_400_by_parameter(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        shop.stripe.v1.checkout.sessions.retrieve("cs_test_none")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    assert "No such checkout session: 'cs_test_none'" in str(missing.value)
    with pytest.raises(stripe.InvalidRequestError) as named:
        shop.stripe.v1.refunds.create({"charge": "ch_none"})
    assert (named.value.http_status, named.value.param) == (400, "charge")


def test_an_id_of_another_kind_finds_nothing(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        shop.stripe.v1.charges.retrieve(customer.id)


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_404_in_json(shop: Shop, method: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        shop.stripe.raw_request(method, "/v1/subscriptions")


def test_a_body_that_is_no_form_is_refused(shop: Shop) -> None:
    headers = {"Authorization": KEY}
    for body in (b"\xff\xfe", b"a=1&a[b]=2", b"&".join([b"a=1"] * 1001)):
        answer = shop.browser.post("/v1/customers", content=body, headers=headers)
        assert answer.status_code == 400
    huge = shop.browser.post("/v1/customers", content=b"a" * 1_000_001, headers=headers)
    assert huge.status_code == 413


def test_a_value_where_a_bracket_belongs_is_refused(shop: Shop) -> None:
    headers = {"Authorization": KEY}
    for body in ("address=Berlin", "metadata[a][b]=1", "email[a]=1", "metadata[k]=" + "v" * 501):
        answer = shop.browser.post("/v1/customers", content=body, headers=headers)
        assert answer.status_code == 400, body
        assert answer.json()["error"]["code"].startswith("parameter_")


def test_a_timer_that_comes_too_late_is_dropped(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.bought(DISPUTED)
    (charge,) = shop.stripe.v1.charges.list().data
    with Database(shop.settings.data).transaction() as records:
        records.schedule(shop.clock(), "dispute", charge.id, API_VERSION)
    with caplog.at_level(logging.INFO, "sandbox.stripe.timers"):
        assert shop.work()["timers"] == 1
        assert shop.work()["timers"] == 0
    assert "is disputed already" in caplog.text
    assert len(shop.stripe.v1.disputes.list().data) == 1


def test_control_calls_need_their_parameters(shop: Shop) -> None:
    shop.bought(DISPUTED)
    (dispute,) = shop.stripe.v1.disputes.list().data
    for path in ("hold", "faults", f"disputes/{dispute.id}", "refunds/re_none"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.control("post", path)
        assert refused.value.code == "parameter_missing"
    with pytest.raises(stripe.InvalidRequestError, match="No such payment"):
        shop.control("post", "payments/pi_none/dispute")
