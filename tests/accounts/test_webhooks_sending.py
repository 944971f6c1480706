"""Sending webhooks to a real server: signed, in order, at least once, and never somewhere private.

The receiver checks every signature with the library that customers use.
"""

import uuid
from datetime import timedelta
from functools import partial
from unittest.mock import ANY

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from accounts import deliveries, webhook_secrets, webhook_sender, webhooks
from accounts.models import Event, WebhookDelivery
from accounts.webhook_sender import Sender
from config.outbound import Fetcher
from config.turnstile import in_db
from tests.accounts import hooks
from tests.accounts.hooks import BROKEN, OK, PAYLOAD, Status, announce, endpoint, fresh, send
from tests.billing.races import together
from tests.cast import Customer
from tests.ports import free_port
from tests.web import Page, Web


def test_an_endpoint_is_told_in_the_form_of_standard_webhooks(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    delivery = announce(alice)

    assert send() == 1

    body = hooks.verified(web, told)
    assert body == {"type": "generation.completed", "timestamp": ANY, "data": PAYLOAD}
    assert web.headers[0]["Content-Type"] == "application/json"
    delivery = fresh(delivery)
    assert (delivery.status, delivery.last_status_code) == (Status.DELIVERED, 204)
    assert (delivery.attempts, delivery.last_error) == (1, "")


def test_the_address_of_a_request_gets_the_bare_payload_signed_by_the_accounts_secret(
    alice: Customer, web: Web
) -> None:
    announce(alice, url=web.put("/own", OK))
    send()
    assert hooks.verified(web, webhook_secrets.of_account(alice.account)) == PAYLOAD


def test_a_body_that_was_changed_on_the_way_is_noticed(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    announce(alice)
    send()
    web.bodies[0] = web.bodies[0].replace(b"completed", b"failed")
    with pytest.raises(WebhookVerificationError):
        hooks.verified(web, told)


def test_both_are_told_of_one_event_under_one_id(alice: Customer, web: Web) -> None:
    endpoint(alice, web)
    announce(alice, url=web.put("/own", OK))
    assert send() == 2
    assert sorted(web.asked) == ["/hook", "/own"]
    assert len({headers["webhook-id"] for headers in web.headers}) == 1


def test_what_was_delivered_is_not_sent_again(alice: Customer, web: Web) -> None:
    endpoint(alice, web)
    announce(alice)
    assert [send(), hooks.send_again()] == [1, 0]


def test_a_failure_is_tried_again_under_the_same_id_with_a_new_signature(
    alice: Customer, web: Web
) -> None:
    told = endpoint(alice, web, BROKEN)
    delivery = announce(alice)
    send()

    waiting = fresh(delivery)
    assert (waiting.status, waiting.last_status_code) == (Status.PENDING, 500)
    assert waiting.last_error == "It answered 500."
    assert waiting.due_at > timezone.now() + timedelta(seconds=7)
    assert send() == 0

    web.put("/hook", OK)
    assert hooks.send_again() == 1
    assert hooks.verified(web, told)
    assert web.headers[0]["webhook-id"] == web.headers[1]["webhook-id"]
    assert fresh(delivery).status == Status.DELIVERED


def test_not_a_byte_of_the_answer_is_kept(alice: Customer, web: Web) -> None:
    endpoint(alice, web, BROKEN)
    row = WebhookDelivery.objects.filter(pk=announce(alice).pk)
    send()
    assert "stack trace" not in str(row.values().get())


def test_the_next_message_of_a_job_waits_for_the_one_before(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, BROKEN)
    for event in (Event.FAILED, Event.COMPLETED):
        announce(alice, "job", event)
    announce(alice, "another job", Event.FAILED)

    assert send() == 2
    assert hooks.send_again() == 2
    web.put("/hook", OK)
    assert [hooks.send_again(), send(), send()] == [2, 1, 0]
    assert hooks.verified(web, told)["type"] == "generation.completed"


def test_a_message_that_was_given_up_lets_the_next_one_pass(alice: Customer, web: Web) -> None:
    endpoint(alice, web, BROKEN)
    first = announce(alice)
    last = announce(alice)
    WebhookDelivery.objects.filter(pk=first.pk).update(attempts=deliveries.TRIES_MAX - 1)
    send()
    web.put("/hook", OK)
    send()
    assert [fresh(one).status for one in (first, last)] == [Status.FAILED, Status.DELIVERED]


def test_an_address_that_fails_holds_up_no_other(alice: Customer, web: Web) -> None:
    endpoint(alice, web, BROKEN)
    good = endpoint(alice, web, path="/good")
    announce(alice)
    announce(alice)
    assert [send(), send()] == [2, 1]
    assert good.deliveries.filter(status=Status.DELIVERED).count() == 2


def test_a_redirect_is_not_followed(alice: Customer, web: Web) -> None:
    endpoint(alice, web, Page(status=307, headers={"Location": web.put("/there", OK)}))
    delivery = announce(alice)
    send()
    assert web.asked == ["/hook"]
    assert fresh(delivery).last_error.startswith("It answered 307. Redirects are not followed")


def test_a_private_address_is_refused_at_every_try(
    alice: Customer, web: Web, settings: Settings
) -> None:
    endpoint(alice, web)
    delivery = announce(alice)
    settings.PRIVATE_HOSTS_ALLOWED = set()
    send()
    assert web.asked == []
    assert "private or not allowed" in fresh(delivery).last_error


def test_an_address_that_hangs_is_given_up_for_now(
    alice: Customer, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_sender, "ANSWER_SECONDS_MAX", 0.2)
    endpoint(alice, web, Page(hangs=True))
    delivery = announce(alice)
    send()
    assert fresh(delivery).last_error == "The address took too long to answer."
    assert fresh(delivery).last_status_code is None


def test_nobody_listening_is_a_try(alice: Customer, settings: Settings) -> None:
    host = f"127.0.0.1:{free_port()}"
    settings.PRIVATE_HOSTS_ALLOWED = {host}
    delivery = announce(alice, url=f"http://{host}/")
    send()
    assert fresh(delivery).last_error == "The address could not be reached."


def test_an_answer_without_end_is_not_waited_for(alice: Customer, web: Web) -> None:
    endpoint(alice, web, Page(content=b"x" * 100, announced=10**9))
    delivery = announce(alice)
    send()
    assert fresh(delivery).status == Status.DELIVERED


def test_a_cookie_of_one_receiver_comes_along_to_nobody(alice: Customer, web: Web) -> None:
    endpoint(alice, web, Page(status=204, headers={"Set-Cookie": "a=b; Path=/"}))

    @async_to_sync
    async def send_twice() -> None:
        async with Fetcher() as fetcher:
            sender = Sender(fetcher)
            await sender.run_due()
            await sender.run_due()

    announce(alice)
    announce(alice)
    send_twice()
    assert len(web.headers) == 2
    assert "Cookie" not in web.headers[1]


def test_ten_tries_over_three_days_and_then_it_is_given_up(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, BROKEN)
    delivery = announce(alice)
    waited = timedelta()
    for _ in range(deliveries.TRIES_MAX):
        before = timezone.now()
        assert hooks.send_again() == 1
        if fresh(delivery).status == Status.PENDING:
            waited += fresh(delivery).due_at - before

    ended = fresh(delivery)
    assert (ended.status, ended.attempts, len(web.asked)) == (Status.FAILED, 10, 10)
    assert timedelta(days=2, hours=9) < waited < timedelta(days=3, hours=15)
    assert hooks.send_again() == 0
    told.refresh_from_db()
    assert told.is_on


def test_the_delays_grow_and_are_never_the_same_for_all() -> None:
    assert list(deliveries.DELAYS_SECONDS) == sorted(deliveries.DELAYS_SECONDS)
    assert timedelta(hours=71) < timedelta(seconds=sum(deliveries.DELAYS_SECONDS))
    assert len({deliveries._wait(3) for _ in range(20)}) > 1


def test_a_sender_that_died_before_it_took_note_leaves_the_message_to_be_sent_again(
    alice: Customer, web: Web
) -> None:
    told = endpoint(alice, web)
    announce(alice)
    (claimed,) = deliveries.claim(10, uuid.uuid4())
    deliver_without_note(claimed)

    assert send() == 0
    hooks.drop_leases()
    assert send() == 1
    assert web.headers[0]["webhook-id"] == web.headers[1]["webhook-id"]
    assert hooks.verified(web, told, 0) == hooks.verified(web, told, 1)


@async_to_sync
async def deliver_without_note(delivery: WebhookDelivery) -> None:
    headers = await in_db(webhook_secrets.headers, delivery, timezone.now())
    async with Fetcher() as fetcher:
        await fetcher.post(delivery.url, delivery.body.encode(), headers, seconds_max=5)


def test_a_sender_that_slept_through_its_lease_overwrites_nothing(
    alice: Customer, web: Web
) -> None:
    endpoint(alice, web)
    delivery = announce(alice)
    (late,) = deliveries.claim(10, uuid.uuid4())
    hooks.drop_leases()
    assert send() == 1
    deliveries.settle(late, None, "The address took too long to answer.")
    assert fresh(delivery).status == Status.DELIVERED


def test_two_senders_at_once_send_each_message_once(alice: Customer, web: Web) -> None:
    endpoint(alice, web)
    for number in range(12):
        announce(alice, f"job {number}")

    @async_to_sync
    async def send_by_two() -> int:
        async with Fetcher() as one, Fetcher() as two:
            senders = [Sender(one), Sender(two)]
            started = [await sender.start_due() for sender in senders]
            for sender in senders:
                await sender.finish()
            return sum(started)

    assert send_by_two() == 12
    ids = [headers["webhook-id"] for headers in web.headers]
    assert (len(ids), len(set(ids))) == (12, 12)


@pytest.mark.django_db(transaction=True)
def test_claims_at_the_same_moment_share_the_messages_out(alice: Customer, web: Web) -> None:
    endpoint(alice, web)
    for number in range(deliveries.ACCOUNT_SHARE_MAX):
        announce(alice, f"job {number}")
    claims = together([partial(deliveries.claim, 3, uuid.uuid4()) for _ in range(6)])
    claimed = [one.pk for claim in claims if isinstance(claim, list) for one in claim]
    assert not [claim for claim in claims if isinstance(claim, BaseException)]
    assert len(claimed) == len(set(claimed)) >= 3


def test_one_account_does_not_take_all_the_places(
    alice: Customer, charlie: Customer, web: Web
) -> None:
    endpoint(alice, web)
    endpoint(charlie, web, path="/charlie")
    for number in range(deliveries.ACCOUNT_SHARE_MAX + 5):
        announce(alice, f"job {number}")
    announce(charlie)

    claimed = deliveries.claim(100, uuid.uuid4())

    of_alice = [one for one in claimed if one.account_id == alice.account.pk]
    assert (len(of_alice), len(claimed)) == (deliveries.ACCOUNT_SHARE_MAX, len(of_alice) + 1)
    assert deliveries.claim(100, uuid.uuid4(), busy=[alice.account.pk]) == []


def test_during_a_change_of_secret_both_receivers_can_read(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    old = webhook_secrets.reveal(told)
    new = webhook_secrets.rotate(told)
    announce(alice)
    send()
    for secret in (old, new):
        assert Webhook(secret).verify(web.bodies[0], web.headers[0])
    assert len(web.headers[0]["webhook-signature"].split(" ")) == 2


def test_after_the_overlap_only_the_new_secret_signs(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    old = webhook_secrets.reveal(told)
    webhook_secrets.rotate(told)
    type(told).objects.update(previous_until=timezone.now())
    announce(alice)
    send()
    assert hooks.verified(web, told)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(web.bodies[0], web.headers[0])


def test_a_secret_sealed_under_a_key_that_is_gone_is_said_in_the_log(
    alice: Customer, web: Web, settings: Settings
) -> None:
    endpoint(alice, web)
    delivery = announce(alice)
    settings.SECRET_KEY = "another key, and nobody has kept the first one anywhere"
    send()
    assert web.asked == []
    assert fresh(delivery).last_error == (
        "This secret can no longer be read. Replace it by a new one."
    )


def test_a_replay_is_sent_again_under_its_own_id(alice: Customer, web: Web) -> None:
    endpoint(alice, web)
    delivery = announce(alice)
    send()
    webhooks.replay(fresh(delivery))
    assert fresh(delivery).status == Status.PENDING
    assert send() == 1
    assert web.headers[0]["webhook-id"] == web.headers[1]["webhook-id"]
    assert (fresh(delivery).status, fresh(delivery).attempts) == (Status.DELIVERED, 1)


def test_a_replay_of_what_waits_only_makes_it_due(alice: Customer, web: Web) -> None:
    endpoint(alice, web, BROKEN)
    delivery = announce(alice)
    send()
    webhooks.replay(fresh(delivery))
    assert send() == 1
    assert fresh(delivery).attempts == 2


def test_a_test_is_tried_once_and_says_so(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, BROKEN)
    webhooks.send_test(told)
    assert send() == 1
    assert WebhookDelivery.objects.get().status == Status.FAILED
    web.put("/hook", OK)
    webhooks.send_test(told)
    send()
    assert hooks.verified(web, told)["type"] == "webhook.test"


def test_what_is_undone_is_told_to_nobody(alice: Customer, web: Web) -> None:
    endpoint(alice, web)
    with transaction.atomic():
        announce(alice)
        transaction.set_rollback(True)
    assert send() == 0
