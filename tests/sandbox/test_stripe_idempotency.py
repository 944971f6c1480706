"""Idempotency keys: one effect and one answer, whatever the caller repeats."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import DECLINED_LATER, PAYS, Shop

shop = pytest.fixture(stripe_shop.shop)

KEY: Any = {"idempotency_key": "purchase-7"}


def post(shop: Shop, path: str, key: str, **data: Any) -> httpx.Response:
    headers = {"Authorization": "Bearer sk_test_sandbox", "Idempotency-Key": key}
    return shop.browser.post(f"/v1/{path}", data=data, headers=headers)


def test_the_same_key_gives_the_same_session(shop: Shop) -> None:
    first = shop.checkout(options=KEY)
    second = shop.checkout(options=KEY)
    assert second.to_dict() == first.to_dict()
    assert len(shop.stripe.v1.checkout.sessions.list().data) == 1


def test_the_first_answer_is_replayed_even_after_things_have_moved_on(shop: Shop) -> None:
    session = shop.checkout(options=KEY)
    shop.fill(session, PAYS)
    assert shop.checkout(options=KEY).status == "open"
    assert shop.session(session).status == "complete"


def test_a_replay_says_so_in_its_headers(shop: Shop) -> None:
    first = post(shop, "customers", "k", email="ada@example.com")
    second = post(shop, "customers", "k", email="ada@example.com")
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["original-request"] == first.headers["request-id"]
    assert second.headers["request-id"] != first.headers["request-id"]
    assert second.json() == first.json()


def test_the_same_key_with_other_parameters_is_an_error_and_does_nothing(shop: Shop) -> None:
    shop.checkout(options=KEY)
    with pytest.raises(stripe.IdempotencyError) as refused:
        shop.checkout(amount=9900, options=KEY)
    assert refused.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        shop.stripe.v1.customers.create({}, KEY)
    assert len(shop.stripe.v1.checkout.sessions.list().data) == 1
    assert shop.checkout(options=KEY).amount_total == 2500


def test_a_declined_payment_is_replayed_and_not_tried_again(shop: Shop) -> None:
    saved = shop.saved(DECLINED_LATER)
    asked: Any = {
        "amount": 1000,
        "currency": "usd",
        "confirm": True,
        "off_session": True,
        **saved,
    }
    errors = []
    for _ in range(3):
        with pytest.raises(stripe.CardError) as declined:
            shop.stripe.v1.payment_intents.create(asked, KEY)
        errors.append(declined.value.json_body)
    assert errors[1:] == errors[:1] * 2
    failed = [c for c in shop.stripe.v1.charges.list().data if c.status == "failed"]
    assert len(failed) == 1


def test_an_error_about_a_missing_object_is_replayed_too(shop: Shop) -> None:
    for _ in range(2):
        answer = post(shop, "refunds", "k", payment_intent="pi_none")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "resource_missing")
    assert answer.headers["idempotent-replayed"] == "true"


def test_a_request_that_was_not_understood_leaves_its_key_free(shop: Shop) -> None:
    assert post(shop, "customers", "k", colour="red").status_code == 400
    assert post(shop, "customers", "k", email="ada@example.com").status_code == 200


def test_the_same_key_at_the_same_moment_has_one_effect(shop: Shop) -> None:
    with ThreadPoolExecutor(8) as pool:
        sessions = list(pool.map(lambda _: shop.checkout(options=KEY), range(24)))
    assert len({session.id for session in sessions}) == 1
    assert len(shop.stripe.v1.checkout.sessions.list().data) == 1


def test_a_key_is_forgotten_after_a_day(shop: Shop) -> None:
    first = shop.checkout(options=KEY)
    shop.clock.advance(24 * 3600 - 1)
    assert shop.checkout(options=KEY).id == first.id
    shop.clock.advance(2)
    assert shop.checkout(options=KEY).id != first.id


def test_a_key_has_at_most_255_characters(shop: Shop) -> None:
    assert post(shop, "customers", "k" * 255).status_code == 200
    assert post(shop, "customers", "k" * 256).status_code == 400


def test_a_lost_answer_was_an_effect_all_the_same(shop: Shop) -> None:
    shop.control("post", "faults", path="/customers", status=500, effect="done")
    with pytest.raises(stripe.APIError):
        shop.stripe.v1.customers.create({}, KEY)
    (customer,) = shop.stripe.v1.customers.list().data
    assert shop.stripe.v1.customers.create({}, KEY).id == customer.id


def test_a_remembered_error_is_replayed_and_did_nothing(shop: Shop) -> None:
    shop.control("post", "faults", path="/customers", effect="remembered")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as broken:
            shop.stripe.v1.customers.create({}, KEY)
        assert broken.value.http_status == 500
    assert shop.stripe.v1.customers.list().data == []


def test_an_overload_passes_and_the_key_can_be_used_again(shop: Shop) -> None:
    shop.control("post", "faults", path="/customers", status=429, times=2)
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            shop.stripe.v1.customers.create({}, KEY)
    assert shop.stripe.v1.customers.create({}, KEY).object == "customer"
