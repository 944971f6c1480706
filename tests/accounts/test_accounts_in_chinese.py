"""Accounts for who reads Chinese: refusals, mails, and what the database keeps in English."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from accounts import delivery_words, letters
from accounts.access import MANAGERS, Role
from accounts.models import User, WebhookDelivery
from config import outbound, sealing
from tests.accounts import hooks, teams
from tests.borrowed import LABELS
from tests.cast import Customer
from tests.web import Web

CHINESE = "zh-hans"
PLACES = {"host": "example.org", "size": 9, "status": 404}
TROUBLES = [
    delivery_words.SWITCHED_OFF,
    delivery_words.answered(500),
    delivery_words.answered(302),
    sealing.UNREADABLE,
    *(sentence % PLACES for sentence in outbound.SENTENCES),
]


def speak_chinese(user: User) -> None:
    User.objects.filter(pk=user.pk).update(language=CHINESE)


def chinese_browser(customer: Customer) -> Client:
    speak_chinese(customer.user)
    return customer.browser


@pytest.mark.parametrize("trouble", TROUBLES)
def test_why_nothing_was_delivered_is_said_in_the_readers_language(trouble: str) -> None:
    assert delivery_words.said(trouble) == trouble
    with translation.override(CHINESE):
        assert delivery_words.said(trouble) != trouble


def test_the_log_of_webhooks_is_chinese_and_what_is_kept_is_not(alice: Customer, web: Web) -> None:
    endpoint = hooks.endpoint(alice, web, hooks.BROKEN)
    hooks.announce(alice)
    hooks.send()
    page = chinese_browser(alice).get(f"/account/webhooks/{endpoint.pk}").content.decode()
    assert "对方返回了 500。" in page
    assert "已尝试 1 次" in page
    assert WebhookDelivery.objects.get().last_error == "It answered 500."


def test_a_stranger_is_invited_in_the_language_of_who_invites(alice: Customer) -> None:
    fields = {"email": "mei@example.org", "role": Role.BILLING}
    chinese_browser(alice).post("/account/team/invite", fields)
    (letter,) = mail.outbox
    assert letter.subject == "邀请你加入 Gallop 上的 alice@example.org"
    assert "以财务身份加入" in letter.body
    page = Client(headers={"Accept-Language": "zh"}).get(teams.link_in(letter)).content.decode()
    assert "以财务身份加入" in page


def test_somebody_we_know_is_invited_in_their_own_language(alice: Customer, bob: Customer) -> None:
    speak_chinese(bob.user)
    teams.invite(alice, bob.user.email)
    (letter,) = mail.outbox
    assert letter.subject == "邀请你加入 Gallop 上的 alice@example.org"


def test_those_who_read_the_same_language_are_named_in_one_mail(alice: Customer) -> None:
    for name in ("bea", "mei", "lin"):
        teams.join(alice, name, Role.ADMIN)
    for name in ("mei", "lin"):
        speak_chinese(User.objects.get(email=f"{name}@example.org"))
    letters.send(alice.account, MANAGERS, "accounts/mail/deleted")
    assert {tuple(letter.to): letter.subject for letter in mail.outbox} == {
        ("alice@example.org", "bea@example.org"): "Your Gallop account is deleted",
        ("mei@example.org", "lin@example.org"): "你的 Gallop 账户已删除",
    }
    assert translation.get_language() == "en"


def test_a_language_that_we_no_longer_speak_counts_as_none(alice: Customer) -> None:
    User.objects.filter(pk=alice.user.pk).update(language="xx")
    letters.send(alice.account, MANAGERS, "accounts/mail/deleted")
    (letter,) = mail.outbox
    assert letter.subject == "Your Gallop account is deleted"


@pytest.mark.parametrize(("chosen", "asked"), [(CHINESE, "en"), ("", "zh")])
def test_a_forgotten_password_is_mailed_in_the_readers_language_or_else_the_pages(
    alice: Customer, chosen: str, asked: str
) -> None:
    User.objects.filter(pk=alice.user.pk).update(language=chosen)
    page = Client(headers={"Accept-Language": asked})
    page.post("/account/password/reset/", {"email": "ALICE@example.org"})
    (letter,) = mail.outbox
    assert letter.subject == "设置新密码"


@pytest.mark.parametrize(
    ("address", "fields", "says"),
    [
        ("/account/team/invite", {"email": "alice@example.org", "role": "admin"}, "已经在你的团队"),
        ("/account/team/name", {"name": "www.example.org"}, "请不要包含链接"),
        ("/account/webhooks/add", {"url": "http://example.org/hook"}, "必须以 https:// 开头"),
        ("/account/webhooks/add", {"url": "https://example.org"}, "请至少选择一个事件"),
    ],
)
def test_a_refusal_is_chinese(
    alice: Customer, address: str, fields: dict[str, str], says: str
) -> None:
    assert says in chinese_browser(alice).post(address, fields).content.decode()


def test_a_password_is_refused_in_chinese() -> None:
    user = User(email="mei@example.org")
    with translation.override(CHINESE), pytest.raises(ValidationError) as refusal:
        validate_password("mei", user)
    said = " ".join(refusal.value.messages)
    assert "至少需要 8 个字符" in said
    assert "password" not in said.lower()


def test_labels_of_others_are_in_our_words() -> None:
    with translation.override(CHINESE):
        assert [one for one in LABELS if translation.gettext(one) == one] == []
        assert translation.gettext("Code") == "验证码"
