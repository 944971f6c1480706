"""The pages of webhooks: what they show, what they change, and for whom."""

import html
import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts import webhook_secrets, webhooks
from accounts.models import Event, Membership, WebhookDelivery, WebhookEndpoint
from tests.accounts import hooks
from tests.accounts.hooks import BROKEN, announce, endpoint, send
from tests.cast import Customer
from tests.web import Web

PAGE = "/account/webhooks"
ADDRESS = "https://example.com/hook"
ACTIONS = ("events", "switch", "remove", "test", "secret", "secret/change")


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def post(customer: Customer, path: str, **fields: Any) -> Any:
    return customer.browser.post(f"{PAGE}{path}", fields, follow=True)


def made(customer: Customer, url: str = ADDRESS) -> WebhookEndpoint:
    return webhooks.add(customer.account, url, [Event.FAILED])


def demote(customer: Customer, role: Membership.Role) -> None:
    Membership.objects.filter(user=customer.user).update(role=role)


@pytest.mark.django_db
def test_the_page_asks_for_sign_in() -> None:
    answer = Client().get(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, f"/account/login/?next={PAGE}")


def test_an_endpoint_is_added_and_its_secret_shown_on_this_one_answer(alice: Customer) -> None:
    answer = post(alice, "/add", url=ADDRESS, events=["generation.failed", "balance.low"])
    told = WebhookEndpoint.objects.get()
    assert (told.url, told.events) == (ADDRESS, ["generation.failed", "balance.low"])
    secret = webhook_secrets.reveal(told)
    assert secret in shown(answer)
    assert "no-store" in answer["Cache-Control"]
    for path in ("", f"/{told.pk}"):
        assert secret not in shown(alice.browser.get(PAGE + path))
    assert ADDRESS in shown(alice.browser.get(PAGE))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"url": "http://example.com", "events": "balance.low"}, "must begin with https://"),
        ({"url": "", "events": "balance.low"}, "This field is required."),
        ({"url": ADDRESS}, "Choose at least one event."),
        ({"url": ADDRESS, "events": "world.end"}, "world.end is not one of the available"),
    ],
)
def test_a_mistake_is_said_beside_its_field(
    alice: Customer, fields: dict[str, str], says: str
) -> None:
    answer = post(alice, "/add", **fields)
    assert answer.status_code == 200
    assert says in shown(answer)
    assert not WebhookEndpoint.objects.exists()


def test_the_same_address_twice_is_said_beside_the_field(alice: Customer) -> None:
    made(alice)
    answer = post(alice, "/add", url=ADDRESS, events="balance.low")
    assert "You have a webhook at this address already." in shown(answer)


def test_other_events_are_chosen(alice: Customer) -> None:
    told = made(alice)
    assert "Saved." in shown(post(alice, f"/{told.pk}/events", events="spend.reached"))
    told.refresh_from_db()
    assert told.events == ["spend.reached"]
    assert "Choose at least one event." in shown(post(alice, f"/{told.pk}/events"))


def test_the_secret_is_shown_when_asked_for(alice: Customer) -> None:
    told = made(alice)
    answer = post(alice, f"/{told.pk}/secret")
    assert webhook_secrets.reveal(told) in shown(answer)
    assert "no-store" in answer["Cache-Control"]


def test_a_new_secret_is_shown_with_how_long_the_old_one_lives(alice: Customer) -> None:
    told = made(alice)
    answer = post(alice, f"/{told.pk}/secret/change")
    told.refresh_from_db()
    assert webhook_secrets.reveal(told) in shown(answer)
    assert "signs beside it until" in shown(answer)
    again = shown(post(alice, f"/{told.pk}/secret/change"))
    assert "changed less than a day ago" in again


def test_the_accounts_own_secret_is_shown_and_changed(alice: Customer) -> None:
    before = webhook_secrets.reveal(webhook_secrets.of_account(alice.account))
    assert before not in shown(alice.browser.get(PAGE))
    assert before in shown(post(alice, "/secret"))
    page = shown(post(alice, "/secret/change"))
    after = webhook_secrets.reveal(webhook_secrets.of_account(alice.account))
    assert before != after
    assert after in page


def test_the_api_tells_the_secret_of_the_account(alice: Customer, charlie: Customer) -> None:
    secret = webhook_secrets.reveal(webhook_secrets.of_account(alice.account))
    answer = alice.get("/api/v3/webhook/secret")
    assert answer.json() == {"code": 200, "message": "success", "data": {"secret": secret}}
    assert charlie.get("/api/v3/webhook/secret").json()["data"]["secret"] != secret
    assert Client().get("/api/v3/webhook/secret").status_code == 401


def test_a_secret_that_cannot_be_read_is_said_and_can_be_replaced(
    alice: Customer, settings: Settings
) -> None:
    told = made(alice)
    settings.SECRET_KEY = "another key, and nobody has kept the first one anywhere"
    assert "can no longer be read" in shown(post(alice, f"/{told.pk}/secret"))
    assert "whsec_" in shown(post(alice, f"/{told.pk}/secret/change"))


def test_an_endpoint_is_switched_off_and_on(alice: Customer) -> None:
    told = made(alice)
    assert "You switched it off." in shown(post(alice, f"/{told.pk}/switch", to="off"))
    told.refresh_from_db()
    assert not told.is_on
    assert "The webhook is on." in shown(post(alice, f"/{told.pk}/switch", to="on"))
    told.refresh_from_db()
    assert told.is_on


def test_an_endpoint_is_removed(alice: Customer) -> None:
    told = made(alice)
    assert "The webhook is removed." in shown(post(alice, f"/{told.pk}/remove"))
    assert not WebhookEndpoint.objects.exists()


def test_a_test_is_sent_and_seen_in_the_log(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    page = shown(post(alice, f"/{told.pk}/test"))
    assert "On its way" in page
    assert 'hx-trigger="every 3s"' in page
    send()
    page = shown(alice.browser.get(f"{PAGE}/{told.pk}"))
    assert "webhook.test" in page
    assert "Delivered" in page
    assert "hx-trigger" not in page
    (path,) = re.findall(rf'action="{PAGE}(/deliveries/\d+/replay)"', page)
    assert 'hx-trigger="every 3s"' in shown(post(alice, path))


def test_the_log_says_what_went_wrong_and_sends_again(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web, BROKEN)
    delivery = announce(alice)
    send()
    page = shown(alice.browser.get(f"{PAGE}/{told.pk}"))
    assert "It answered 500." in page
    assert "Next try" in page
    assert "Failing" in shown(alice.browser.get(PAGE))
    (path,) = re.findall(rf'action="{PAGE}(/deliveries/\d+/replay)"', page)
    answer = post(alice, path)
    assert answer.redirect_chain == [(f"{PAGE}/{told.pk}", 302)]
    assert send() == 1
    assert hooks.fresh(delivery).attempts == 2


def test_a_replay_to_one_that_is_off_is_refused_in_words(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    delivery = announce(alice)
    webhooks.switch_off(told)
    answer = post(alice, f"/deliveries/{delivery.pk}/replay")
    assert "Switch it on first." in shown(answer)


def test_what_a_request_asked_for_stands_on_the_first_page(alice: Customer) -> None:
    delivery = announce(alice, url="https://example.com/of-a-request?<b>")
    page = alice.browser.get(PAGE)
    assert "https://example.com/of-a-request?<b>" in shown(page)
    assert b"?<b>" not in page.content
    answer = post(alice, f"/deliveries/{delivery.pk}/replay")
    assert answer.redirect_chain == [(PAGE, 302)]


def test_a_long_log_has_pages(alice: Customer, web: Web) -> None:
    told = endpoint(alice, web)
    for number in range(26):
        announce(alice, f"job {number}")
    first = shown(alice.browser.get(f"{PAGE}/{told.pk}"))
    second = shown(alice.browser.get(f"{PAGE}/{told.pk}?page=2"))
    assert [page.count("<tr data-status") for page in (first, second)] == [25, 1]


def test_another_accounts_webhooks_are_not_there(
    alice: Customer, charlie: Customer, web: Web
) -> None:
    told = endpoint(alice, web)
    delivery = announce(alice)
    before = list(WebhookEndpoint.objects.values()), list(WebhookDelivery.objects.values())
    assert told.url not in shown(charlie.browser.get(PAGE))
    assert charlie.browser.get(f"{PAGE}/{told.pk}").status_code == 404
    paths = [f"/{told.pk}/{action}" for action in ACTIONS]
    for path in (*paths, f"/deliveries/{delivery.pk}/replay"):
        fields = {"events": "balance.low", "to": "off"}
        assert post(charlie, path, **fields).status_code == 404, path
    assert before == (
        list(WebhookEndpoint.objects.values()),
        list(WebhookDelivery.objects.values()),
    )


@pytest.mark.parametrize("role", [Membership.Role.MEMBER, Membership.Role.BILLING])
def test_who_may_not_manage_sees_the_log_and_changes_nothing(
    alice: Customer, web: Web, role: Membership.Role
) -> None:
    told = endpoint(alice, web)
    delivery = announce(alice)
    demote(alice, role)
    for path in (PAGE, f"{PAGE}/{told.pk}"):
        page = shown(alice.browser.get(path))
        # What is sent is about films: who has to do with money alone does not see it.
        assert (told.url in page) == (role == Membership.Role.MEMBER)
        assert f'action="{PAGE}' not in page
    paths = [f"/{told.pk}/{action}" for action in ACTIONS]
    for path in (*paths, "/add", "/secret", "/secret/change", f"/deliveries/{delivery.pk}/replay"):
        assert post(alice, path, url=ADDRESS, events="balance.low").status_code == 403, path
    assert WebhookEndpoint.objects.count() == 1


def test_an_admin_may_manage(alice: Customer) -> None:
    demote(alice, Membership.Role.ADMIN)
    post(alice, "/add", url=ADDRESS, events="balance.low")
    assert WebhookEndpoint.objects.exists()


def test_a_link_alone_and_a_form_of_another_site_change_nothing(alice: Customer) -> None:
    told = made(alice)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    paths = [f"{PAGE}/{told.pk}/{action}" for action in ACTIONS]
    for path in (*paths, f"{PAGE}/add", f"{PAGE}/secret", f"{PAGE}/secret/change"):
        assert alice.browser.get(path).status_code == 405, path
        assert strict.post(path).status_code == 403, path


def test_the_page_is_in_the_menu_and_in_the_rooms(alice: Customer) -> None:
    page = shown(alice.browser.get("/account/profile"))
    assert page.count(f'href="{PAGE}"') >= 2
