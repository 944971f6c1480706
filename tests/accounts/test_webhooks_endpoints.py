"""Endpoints: which addresses may be one, who is told of what, and when one is switched off."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import Settings

from accounts import deliveries, delivery_words, tasks, webhook_secrets, webhooks
from accounts.models import Event, Membership, WebhookDelivery, WebhookEndpoint
from accounts.opening import open_account
from config import sealing
from tests.accounts import hooks
from tests.accounts.hooks import BROKEN, OK, PAYLOAD, Status, announce, endpoint, fresh, send
from tests.billing.races import together
from tests.cast import Customer
from tests.web import Page, Web

ADDRESS = "https://example.com/hook"
GONE = Page(status=410)


@pytest.mark.parametrize(
    "address",
    [ADDRESS, "https://example.com", "https://example.com:443/a?b=c#d", "https://xn--a-zfa.example",
     "https://1.1.1.1/x", "HTTPS://EXAMPLE.COM/"],
)  # fmt: skip
def test_public_addresses_with_https_may_be_told(address: str) -> None:
    assert webhooks.checked(address) == address


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://example.com/", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("javascript:alert(1)", "full address"),
        ("example.com/hook", "full address"),
        ("//example.com/hook", "must begin with https://"),
        ("", "full address"),
        ("https://", "full address"),
        ("https:///hook", "full address"),
        ("https://[", "full address"),
        ("https://x:99999/", "ordinary port"),
        ("https://x:y/", "full address"),
        ("https://a b/", "full address"),
        ("https://example.com/a\nb", "full address"),
        ("https://example.com/a\u00e9", "full address"),
        ("https://example.com:8443/", "ordinary port"),
        ("https://me:secret@example.com/", "name and password"),
        ("https://example.com/" + "x" * 2048, "longer than 2048"),
        ("http://127.0.0.1:9/", "must begin with https://"),
    ],
)
def test_other_addresses_are_refused_in_words(address: str, says: str) -> None:
    with pytest.raises(webhooks.AddressRefused, match=says):
        webhooks.checked(address)


def test_a_private_host_that_the_settings_name_may_be_told(settings: Settings) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = {"127.0.0.1:9"}
    assert webhooks.checked("http://127.0.0.1:9/") == "http://127.0.0.1:9/"
    with pytest.raises(webhooks.AddressRefused):
        webhooks.checked("http://127.0.0.1:10/")


def test_an_endpoint_hears_only_what_it_asked_for(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, events=[Event.FAILED])
    assert webhooks.announce(alice.account, Event.COMPLETED, "job", PAYLOAD) == 0
    webhooks.choose(told, [Event.COMPLETED])
    assert webhooks.announce(alice.account, Event.COMPLETED, "job", PAYLOAD) == 1


def test_nobody_hears_of_another_account(alice: Customer, charlie: Customer, web: Web) -> None:
    endpoint(charlie, web)
    assert webhooks.announce(alice.account, Event.COMPLETED, "job", PAYLOAD) == 0


def test_the_same_address_twice_is_refused(alice: Customer, charlie: Customer) -> None:
    webhooks.add(alice.account, ADDRESS, [Event.FAILED])
    with pytest.raises(webhooks.EndpointRefused, match="already"):
        webhooks.add(alice.account, ADDRESS, [Event.FAILED])
    assert webhooks.add(charlie.account, ADDRESS, [Event.FAILED]).is_on


@pytest.mark.django_db(transaction=True)
def test_many_who_add_at_once_do_not_pass_the_limit(alice: Customer) -> None:
    works = [
        partial(webhooks.add, alice.account, f"{ADDRESS}/{number}", [Event.FAILED])
        for number in range(webhooks.ENDPOINTS_MAX + 4)
    ]
    done = together(works)
    assert sum(isinstance(one, WebhookEndpoint) for one in done) == webhooks.ENDPOINTS_MAX
    assert webhooks.of(alice.account).count() == webhooks.ENDPOINTS_MAX


def test_a_gone_endpoint_is_switched_off_at_once_and_its_people_hear_of_it(
    alice: Customer, web: Web
) -> None:
    told = endpoint(alice, web, GONE)
    deputy = open_account("deputy@example.org")
    Membership.objects.create(account=alice.account, user=deputy, role=Membership.Role.ADMIN)
    clerk = open_account("clerk@example.org")
    Membership.objects.create(account=alice.account, user=clerk, role=Membership.Role.BILLING)
    first, second = announce(alice), announce(alice, "another job")
    WebhookDelivery.objects.filter(pk=second.pk).update(due_at=timezone.now() + timedelta(1))

    send()

    told.refresh_from_db()
    assert told.disabled_reason == WebhookEndpoint.Reason.GONE
    assert [fresh(one).status for one in (first, second)] == [Status.FAILED, Status.FAILED]
    assert webhooks.announce(alice.account, Event.COMPLETED, "job", PAYLOAD) == 0
    assert [tasks.tell_of_webhooks() for _ in "12"] == [
        "1 letters about webhooks",
        "0 letters about webhooks",
    ]
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.org", "deputy@example.org"]
    assert letter.subject == "A webhook of yours was switched off"
    assert told.url in letter.body
    assert "answered 410" in letter.body
    assert f"/account/webhooks/{told.pk}" in letter.body


def test_the_address_of_a_request_that_is_gone_is_not_tried_again(
    alice: Customer, web: Web
) -> None:
    delivery = announce(alice, url=web.put("/own", GONE))
    send()
    assert fresh(delivery).status == Status.FAILED
    assert hooks.send_again() == 0


def fail_since(told: WebhookEndpoint, **ago: float) -> None:
    WebhookEndpoint.objects.filter(pk=told.pk).update(
        failing_since=timezone.now() - timedelta(**ago)
    )


def test_days_without_one_success_switch_an_endpoint_off(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, BROKEN)
    announce(alice)
    send()
    told.refresh_from_db()
    assert told.is_on
    assert told.failing_since is not None

    fail_since(told, days=4, hours=23)
    hooks.send_again()
    told.refresh_from_db()
    assert told.is_on

    fail_since(told, days=5)
    hooks.send_again()
    told.refresh_from_db()
    assert told.disabled_reason == WebhookEndpoint.Reason.FAILING
    tasks.tell_of_webhooks()
    assert "has taken nothing since" in mail.outbox[0].body


def test_one_success_starts_the_days_anew(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    fail_since(told, days=6)
    announce(alice)
    send()
    told.refresh_from_db()
    assert told.is_on
    assert told.failing_since is None


def test_the_days_are_a_setting(alice: Customer, web: Web, settings: Settings) -> None:
    settings.WEBHOOK_FAILING_DAYS = 1
    told = endpoint(alice, web, BROKEN)
    fail_since(told, days=1)
    announce(alice)
    send()
    told.refresh_from_db()
    assert not told.is_on


def test_a_mail_server_that_does_not_answer_is_asked_again(
    alice: Customer, web: Web, settings: Settings
) -> None:
    endpoint(alice, web, GONE)
    announce(alice)
    send()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert tasks.tell_of_webhooks() == "0 letters about webhooks"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert tasks.tell_of_webhooks() == "1 letters about webhooks"


def test_who_switches_off_hears_nothing_and_gets_nothing_more(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    delivery = announce(alice)
    assert webhooks.switch_off(told)
    assert not webhooks.switch_off(told)
    assert send() == 0
    assert fresh(delivery).last_error == delivery_words.SWITCHED_OFF
    assert tasks.tell_of_webhooks() == "0 letters about webhooks"


def test_what_was_missed_can_be_replayed_once_it_is_on_again(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, GONE)
    delivery = announce(alice)
    send()
    with pytest.raises(webhooks.EndpointRefused, match="Switch it on first"):
        webhooks.replay(fresh(delivery))
    web.put("/hook", OK)
    assert webhooks.switch_on(told)
    assert not webhooks.switch_on(told)
    webhooks.replay(fresh(delivery))
    assert send() == 1
    assert fresh(delivery).status == Status.DELIVERED


def test_a_test_may_be_sent_to_an_endpoint_that_is_off(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    webhooks.switch_off(told)
    webhooks.send_test(told)
    assert send() == 1
    assert WebhookDelivery.objects.get().status == Status.DELIVERED


def test_a_test_that_fails_is_held_against_nobody(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, GONE)
    fail_since(told, days=6)
    webhooks.send_test(told)
    send()
    told.refresh_from_db()
    assert told.is_on


def test_one_that_is_switched_off_during_a_try_is_not_tried_again(
    alice: Customer, web: Web
) -> None:
    told = endpoint(alice, web)
    delivery = announce(alice)
    (claimed,) = deliveries.claim(1, uuid.uuid4())
    webhooks.switch_off(told)
    deliveries.settle(claimed, 500, "It answered 500.")
    assert fresh(delivery).status == Status.FAILED
    deliveries.settle(claimed, 200)
    assert fresh(delivery).status == Status.DELIVERED


@pytest.mark.django_db(transaction=True)
def test_results_and_a_switch_at_the_same_moment_do_not_lock_each_other_out(
    alice: Customer, web: Web
) -> None:
    told = endpoint(alice, web)
    for number in range(8):
        announce(alice, f"job {number}")
    claimed = deliveries.claim(8, uuid.uuid4())
    works: list[Callable[[], object]] = [
        partial(deliveries.settle, one, code, "It answered.")
        for one, code in zip(claimed, (200, 500, 410, 200, 500, 410, 500, 200), strict=True)
    ]
    works += [partial(webhooks.switch_off, told), partial(webhooks.switch_on, told)]
    assert not [one for one in together(works) if isinstance(one, BaseException)]
    assert WebhookDelivery.objects.filter(status=Status.DELIVERED).count() == 3


def test_removing_takes_the_log_along_and_stops_what_is_on_its_way(
    alice: Customer, web: Web
) -> None:
    told = endpoint(alice, web)
    announce(alice)
    (claimed,) = deliveries.claim(1, uuid.uuid4())
    webhooks.remove(told)
    deliveries.settle(claimed, 200)
    assert not WebhookDelivery.objects.exists()


def test_old_deliveries_are_forgotten(alice: Customer, web: Web, settings: Settings) -> None:
    endpoint(alice, web)
    old, young = announce(alice), announce(alice)
    ago = timezone.now() - timedelta(days=settings.WEBHOOK_KEPT_DAYS, minutes=1)
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=ago)
    assert tasks.forget_deliveries() == "1 deliveries forgotten"
    assert list(WebhookDelivery.objects.all()) == [young]


def test_forgetting_goes_in_batches(
    alice: Customer, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "FORGET_BATCH", 2)
    endpoint(alice, web)
    for _ in range(5):
        announce(alice)
    assert deliveries.forget(timezone.now() + timedelta(days=31)) == 5


def test_what_is_due_next_is_known(alice: Customer, web: Web) -> None:
    assert deliveries.next_due() is None
    endpoint(alice, web)
    due_at = announce(alice).due_at
    assert deliveries.next_due() == due_at


@pytest.mark.django_db
def test_the_tasks_are_planned() -> None:
    plans = Schedule.objects.filter(func__startswith="accounts.tasks.")
    assert {plan.func.rsplit(".", 1)[-1]: plan.schedule_type for plan in plans} == {
        "tell_of_webhooks": Schedule.MINUTES,
        "forget_deliveries": Schedule.DAILY,
    }


def test_a_secret_is_stored_sealed_and_each_is_its_own(alice: Customer, web: Web) -> None:
    one, two = endpoint(alice, web), endpoint(alice, web, path="/two")
    secrets = {webhook_secrets.reveal(signer) for signer in (one, two)}
    secrets.add(webhook_secrets.reveal(webhook_secrets.of_account(alice.account)))
    assert len(secrets) == 3
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert not any(secret.removeprefix("whsec_") in one.secret + two.secret for secret in secrets)


def test_an_old_secret_key_still_opens_what_it_sealed(settings: Settings) -> None:
    sealed = sealing.seal("whsec_x")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    assert sealing.unseal(sealed) == "whsec_x"


def test_a_third_secret_does_not_push_out_the_one_in_use(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    webhook_secrets.rotate(told)
    with pytest.raises(webhook_secrets.OverlapRuns):
        webhook_secrets.rotate(told)
    WebhookEndpoint.objects.update(previous_until=timezone.now())
    assert webhook_secrets.rotate(told) == webhook_secrets.reveal(told)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("webhook_off_has_reason", {"disabled_at": timezone.now()}),
        ("webhook_off_has_reason", {"disabled_reason": "owner"}),
    ],
)
def test_the_table_refuses_an_endpoint_that_is_half_off(
    alice: Customer, web: Web, constraint: str, changes: dict[str, object]
) -> None:
    told = endpoint(alice, web)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        WebhookEndpoint.objects.filter(pk=told.pk).update(**changes)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("delivery_status_known", {"status": "lost"}),
        ("delivery_delivered_has_moment", {"status": "delivered"}),
        ("delivery_delivered_has_moment", {"delivered_at": timezone.now()}),
    ],
)
def test_the_table_refuses_a_delivery_that_contradicts_itself(
    alice: Customer, web: Web, constraint: str, changes: dict[str, object]
) -> None:
    endpoint(alice, web)
    delivery = announce(alice)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        WebhookDelivery.objects.filter(pk=delivery.pk).update(**changes)
