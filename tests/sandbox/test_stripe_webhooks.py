"""Webhooks: signed, posted until they are taken, and in the tests' own order when held back."""

import json

import pytest
import stripe
from stripe import Webhook

from sandbox.stripe.courier import ATTEMPTS_MAX, DELAY_MAX_SECONDS
from tests.sandbox import stripe_shop
from tests.sandbox.stripe_shop import SETTLES_LATE, Receiver, Shop, opened

shop = pytest.fixture(stripe_shop.shop)


def states(shop: Shop) -> list[str]:
    return [row["state"] for row in shop.control("get", "deliveries")["data"]]


def test_every_event_is_posted_once_with_a_signature_the_sdk_accepts(shop: Shop) -> None:
    session = shop.bought()
    assert shop.receiver.taken == []
    shop.work()
    events = shop.receiver.events()
    assert [event.type for event in events] == shop.happened()
    completed = events[-1]
    assert completed.data.object["id"] == session.id
    assert completed.data.object["payment_status"] == "paid"
    shop.work()
    assert len(shop.receiver.taken) == len(events)


def test_another_secret_is_refused_by_the_sdk(shop: Shop) -> None:
    shop.bought()
    shop.work()
    signature, body = shop.receiver.taken[0]
    with pytest.raises(stripe.SignatureVerificationError):
        Webhook.construct_event(body, signature, "whsec_other")
    with pytest.raises(stripe.SignatureVerificationError):
        Webhook.construct_event(body + b" ", signature, "whsec_sandbox")


def test_the_version_of_an_event_is_the_one_the_client_pinned(shop: Shop) -> None:
    shop.bought(SETTLES_LATE)
    shop.later(10)
    versions = {event.api_version for event in shop.receiver.events()}
    assert versions == {stripe.api_version}


def test_an_older_pin_is_kept_through_checkout_and_timers(shop: Shop) -> None:
    shop.stripe = shop.client(stripe_version="2025-03-31.basil")
    shop.bought(SETTLES_LATE)
    shop.later(10)
    assert {event.api_version for event in shop.receiver.events()} == {"2025-03-31.basil"}


def test_an_event_knows_the_request_it_came_from(shop: Shop) -> None:
    shop.stripe.v1.customers.create({}, {"idempotency_key": "customer-1"})
    (event,) = shop.stripe.v1.events.list().data
    assert event.request is not None
    assert event.request.idempotency_key == "customer-1"
    assert event.request.id is not None
    assert event.request.id.startswith("req_")


def test_a_failed_delivery_is_tried_again_later_and_later(shop: Shop) -> None:
    shop.receiver.statuses = [500, 503, 302]
    shop.stripe.v1.customers.create()
    shop.work()
    assert len(shop.receiver.taken) == 1
    (row,) = shop.control("get", "deliveries")["data"]
    assert (row["state"], row["status"], row["attempts"]) == ("waiting", 500, 1)
    for wait, tries in ((0.9, 1), (0.1, 2), (1.9, 2), (0.1, 3), (4, 4)):
        shop.later(wait)
        assert len(shop.receiver.taken) == tries
    assert states(shop) == ["delivered"]
    first, *others = (event.id for event in shop.receiver.events())
    assert others == [first] * 3
    assert shop.stripe.v1.events.retrieve(first).pending_webhooks == 0


def test_a_receiver_that_cannot_be_reached_is_tried_again(shop: Shop) -> None:
    shop.receiver.unreachable = True
    shop.stripe.v1.customers.create()
    assert shop.work()["sent"] == 0
    (row,) = shop.control("get", "deliveries")["data"]
    assert (row["state"], row["status"]) == ("waiting", None)
    assert row["error"] == "ConnectError: nobody there"
    shop.receiver.unreachable = False
    shop.later(1)
    assert states(shop) == ["delivered"]


def test_a_delivery_is_given_up_after_many_attempts(shop: Shop) -> None:
    shop.receiver.statuses = [500] * (ATTEMPTS_MAX + 1)
    shop.stripe.v1.customers.create()
    for _ in range(ATTEMPTS_MAX + 1):
        shop.later(DELAY_MAX_SECONDS)
    assert states(shop) == ["failed"]
    assert len(shop.receiver.taken) == ATTEMPTS_MAX


def test_held_deliveries_leave_in_the_order_the_test_wants(shop: Shop) -> None:
    shop.control("post", "hold", held="true")
    shop.bought()
    shop.work()
    assert shop.receiver.taken == []
    last, first = (shop.stripe.v1.events.list().data[index] for index in (0, -1))
    for event in (last, first):
        shop.control("post", f"events/{event.id}/deliver")
        shop.work()
    assert [event.id for event in shop.receiver.events()] == [last.id, first.id]

    shop.control("post", "hold", held="false")
    shop.work()
    taken = [event.id for event in shop.receiver.events()]
    assert len(taken) == len(set(taken)) == len(shop.happened())


def test_an_event_is_delivered_again_as_often_as_one_likes(shop: Shop) -> None:
    shop.stripe.v1.customers.create()
    (event,) = shop.stripe.v1.events.list().data
    shop.work()
    for _ in range(3):
        shop.control("post", f"events/{event.id}/deliver")
    shop.work()
    assert [taken.id for taken in shop.receiver.events()] == [event.id] * 4
    listed = shop.control("get", "deliveries", event=event.id, state="delivered")["data"]
    assert len(listed) == 4
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        shop.control("post", "events/evt_none/deliver")


def test_a_test_may_post_an_event_itself(shop: Shop) -> None:
    shop.stripe.v1.customers.create({"name": "Grüße"})
    (event,) = shop.stripe.v1.events.list().data
    signed = shop.control("get", f"events/{event.id}/signed")
    read = Webhook.construct_event(signed["payload"], signed["signature"], "whsec_sandbox")
    assert read.id == event.id
    assert signed["url"] == stripe_shop.HOOK_URL
    assert json.loads(signed["payload"])["data"]["object"]["name"] == "Grüße"


def test_without_an_address_events_are_kept_and_nothing_is_sent(shop: Shop) -> None:
    with opened(shop.settings.data, stripe_webhook_url="") as silent:
        silent.stripe.v1.customers.create()
        assert silent.happened() == ["customer.created"]
        assert states(silent) == []


def test_undelivered_events_survive_a_restart(shop: Shop) -> None:
    shop.receiver.statuses = [500] * 100
    shop.bought()
    shop.work()
    receiver = Receiver()
    shop.clock.advance(60)
    with opened(shop.settings.data, shop.clock, receiver) as restarted:
        restarted.work()
        assert [event.type for event in receiver.events()] == restarted.happened()


def test_an_update_tells_what_was_there_before(shop: Shop) -> None:
    customer = shop.stripe.v1.customers.create({"email": "ada@example.com"})
    shop.stripe.v1.customers.update(customer.id, {"email": "grace@example.com"})
    event = shop.stripe.v1.events.list({"type": "customer.updated"}).data[0]
    assert event.data.object["email"] == "grace@example.com"
    assert event.data.previous_attributes is not None
    assert event.data.previous_attributes.to_dict() == {"email": "ada@example.com"}
