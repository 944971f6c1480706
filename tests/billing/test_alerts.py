"""Alerts: told once each time a figure is crossed, and armed again on the other side."""

import html
import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import Settings

from accounts.models import Membership
from accounts.opening import open_account
from billing import alerts, ledger, money, notices, tasks
from billing.models import Alert, LedgerAccount, Transfer
from tests.billing.races import together
from tests.cast import Customer

NOW = timezone.now()


def set_alert(customer: Customer, kind: Alert.Kind, dollars: str) -> Alert:
    return alerts.add(customer.account, kind, money.parse(dollars))


def low(customer: Customer, dollars: str = "10") -> Alert:
    return set_alert(customer, Alert.Kind.LOW_BALANCE, dollars)


def spend(customer: Customer, dollars: str, number: int = 1) -> None:
    ledger.hold(customer.account, money.parse(dollars), reference=f"job:{number}")
    ledger.capture(f"job:{number}")


def give(customer: Customer, dollars: str, number: int = 1) -> None:
    ledger.deposit(
        customer.account,
        money.parse(dollars),
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=f"purchase:{number}",
    )


def spent_on(customer: Customer, at: datetime, dollars: str) -> None:
    """A film of another day; transfers cannot be written with a date otherwise."""
    revenue, _ = LedgerAccount.objects.get_or_create(code="revenue")
    Transfer.objects.create(
        debit=ledger.book(customer.account),
        credit=revenue,
        amount_micros=money.parse(dollars),
        kind=Transfer.Kind.CAPTURE,
        reference=f"job:{at}",
        created_at=at,
    )


def test_above_the_mark_nobody_is_told(alice: Customer) -> None:
    low(alice, "25")
    assert alerts.watch(NOW) == 0
    assert mail.outbox == []


def test_below_the_mark_the_customer_is_told_once(alice: Customer) -> None:
    low(alice)
    spend(alice, "15.000001")
    assert [alerts.watch(NOW) for _ in range(3)] == [1, 0, 0]
    (letter,) = mail.outbox
    assert letter.to == ["alice@example.org"]
    assert letter.subject == "Your credit is down to $9.999999"
    assert "when it is below $10.00" in letter.body
    assert "/billing" in letter.body


def test_the_mail_has_a_plain_and_a_formatted_side_that_say_the_same(alice: Customer) -> None:
    low(alice, "100")
    alerts.watch(NOW)
    (letter,) = mail.outbox
    assert isinstance(letter, EmailMultiAlternatives)
    ((content, kind),) = letter.alternatives
    assert kind == "text/html"
    for side in (letter.body, content):
        assert "$25.00" in str(side)
        assert "$100.00" in str(side)
    assert "&#" not in letter.body


def test_exactly_the_mark_is_not_below_it(alice: Customer) -> None:
    low(alice)
    spend(alice, "15")
    assert alerts.watch(NOW) == 0


def test_held_credit_is_not_available(alice: Customer) -> None:
    low(alice)
    ledger.hold(alice.account, money.parse("20"), reference="job:1")
    assert alerts.watch(NOW) == 1
    assert mail.outbox[0].subject == "Your credit is down to $5.00"


def test_back_above_the_mark_it_is_armed_for_the_next_crossing(alice: Customer) -> None:
    alert = low(alice)
    spend(alice, "20", 1)
    alerts.watch(NOW)
    give(alice, "30")
    assert alerts.watch(NOW) == 1
    alert.refresh_from_db()
    assert alert.armed
    assert len(mail.outbox) == 1
    spend(alice, "30", 2)
    assert alerts.watch(NOW) == 1
    assert len(mail.outbox) == 2


def test_an_account_that_never_had_credit_is_below_every_mark(bob: Customer) -> None:
    low(bob, "0.000001")
    assert alerts.watch(NOW) == 1
    assert mail.outbox[0].subject == "Your credit is down to $0.00"


def test_spending_is_told_when_the_month_has_passed_the_mark(alice: Customer) -> None:
    set_alert(alice, Alert.Kind.SPEND, "10")
    spend(alice, "10", 1)
    assert alerts.watch(timezone.now()) == 0
    spend(alice, "0.945", 2)
    assert [alerts.watch(timezone.now()) for _ in range(2)] == [1, 0]
    (letter,) = mail.outbox
    assert letter.subject == "You have spent $10.945 this month"
    assert "more than $10.00" in letter.body


def test_only_films_of_this_month_count_as_its_spending(alice: Customer) -> None:
    set_alert(alice, Alert.Kind.SPEND, "10")
    november = datetime(2026, 11, 1, tzinfo=UTC)
    spent_on(alice, november - timedelta(microseconds=1), "100")
    spent_on(alice, november, "10")
    assert alerts.watch(november + timedelta(days=3)) == 0
    spent_on(alice, november + timedelta(days=1), "0.000001")
    assert alerts.watch(november + timedelta(days=3)) == 1


def test_a_held_or_released_job_is_not_spent(alice: Customer) -> None:
    set_alert(alice, Alert.Kind.SPEND, "1")
    ledger.hold(alice.account, money.parse("5"), reference="job:1")
    assert alerts.watch(timezone.now()) == 0
    ledger.release("job:1")
    assert alerts.watch(timezone.now()) == 0


def test_a_new_month_arms_spending_again(alice: Customer) -> None:
    alert = set_alert(alice, Alert.Kind.SPEND, "10")
    october, november = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC)
    spent_on(alice, october, "11")
    assert alerts.watch(october) == 1
    assert alerts.watch(november) == 1
    alert.refresh_from_db()
    assert alert.armed
    spent_on(alice, november, "11")
    assert alerts.watch(november) == 1
    assert len(mail.outbox) == 2


def test_a_month_that_passes_the_mark_before_anyone_looked_is_told_too(alice: Customer) -> None:
    set_alert(alice, Alert.Kind.SPEND, "10")
    october, november = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 11, 5, tzinfo=UTC)
    spent_on(alice, october, "11")
    spent_on(alice, november, "11")
    assert [alerts.watch(at) for at in (october, november, november)] == [1, 1, 0]
    assert len(mail.outbox) == 2


@pytest.mark.django_db(transaction=True)
def test_many_who_watch_at_once_tell_once(alice: Customer) -> None:
    low(alice, "100")
    assert sorted(together([lambda: alerts.watch(NOW)] * 8)) == [0] * 7 + [1]  # type: ignore[type-var]  # all are numbers
    assert len(mail.outbox) == 1


def test_one_query_finds_everything_however_many_alerts_there_are(
    alice: Customer, bob: Customer, charlie: Customer
) -> None:
    for customer in (alice, bob, charlie):
        low(customer, "0.000001")
        set_alert(customer, Alert.Kind.SPEND, "1")
    Alert.objects.filter(account=bob.account).delete()
    with CaptureQueriesContext(connection) as seen:
        assert alerts.watch(NOW) == 0
    assert len(seen) == 2


def test_a_round_is_bounded_and_the_task_goes_on(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dollars in ("30", "40", "50"):
        low(alice, dollars)
    assert alerts.watch(NOW, limit=2) == 2
    monkeypatch.setattr(alerts, "ROUND_MAX", 1)
    assert tasks.watch_alerts().startswith("1 ")
    assert len(mail.outbox) == 3


def test_a_mail_server_that_does_not_answer_is_tried_again(
    alice: Customer, settings: Settings
) -> None:
    low(alice, "100")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert alerts.watch(NOW) == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert alerts.watch(NOW) == 1
    assert len(mail.outbox) == 1


def test_everyone_who_looks_after_the_money_is_told_and_nobody_else(alice: Customer) -> None:
    for name, role in (("billing", "billing"), ("member", "member"), ("gone", "owner")):
        user = open_account(f"{name}@example.org")
        Membership.objects.create(account=alice.account, user=user, role=role)
        user.is_active = name != "gone"
        user.save(update_fields=["is_active"])
    notices.reach(alice.account, "alert", alert=low(alice), figure_micros=1)
    assert mail.outbox[0].to == ["alice@example.org", "billing@example.org"]


@pytest.mark.django_db
def test_the_task_runs_every_minute() -> None:
    plan = Schedule.objects.get(func="billing.tasks.watch_alerts")
    assert (plan.schedule_type, plan.minutes) == (Schedule.MINUTES, 1)


def page(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_an_alert_is_set_listed_and_removed_on_the_page(alice: Customer) -> None:
    browser = alice.browser
    answer = browser.post(
        "/billing/alerts", {"kind": "low_balance", "threshold_micros": "$7.50"}, follow=True
    )
    assert "The alert is set." in page(answer)
    listed = page(answer).partition('id="alert-list"')[2].partition("</ul>")[0]
    assert "$7.50" in listed
    (path,) = re.findall(r'action="(/billing/alerts/\d+/remove)"', listed)
    answer = browser.post(path, follow=True)
    assert 'id="alert-list"' not in page(answer)
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("sum_typed", "said"),
    [
        ("", "This field is required."),
        ("0", "Write a sum above zero."),
        ("-1", "Write a sum in dollars such as 25 or 12.50, not '-1'."),
        ("ten", "Write a sum in dollars such as 25 or 12.50, not 'ten'."),
    ],
)
def test_a_sum_that_cannot_be_read_is_said_beside_the_field(
    alice: Customer, sum_typed: str, said: str
) -> None:
    answer = alice.browser.post("/billing/alerts", {"kind": "spend", "threshold_micros": sum_typed})
    beside = page(answer).partition('id="id_alert_sum_error"')[2].partition("</div>")[0]
    assert said in beside
    assert f'value="{sum_typed}"' in page(answer)
    assert not Alert.objects.exists()


def test_an_unknown_kind_is_refused(alice: Customer) -> None:
    alice.browser.post("/billing/alerts", {"kind": "weather", "threshold_micros": "1"})
    assert not Alert.objects.exists()


def test_the_same_alert_twice_and_too_many_are_refused_in_words(alice: Customer) -> None:
    low(alice)
    with pytest.raises(alerts.AlertRefused, match="already"):
        low(alice)
    for number in range(1, alerts.ALERTS_MAX):
        low(alice, f"{number}.5")
    with pytest.raises(alerts.AlertRefused, match="You have 10 alerts"):
        low(alice, "99")


@pytest.mark.django_db(transaction=True)
def test_many_who_set_alerts_at_once_do_not_pass_the_limit(alice: Customer) -> None:
    works = [partial(low, alice, str(number)) for number in range(1, 15)]
    done = together(works)
    assert sum(isinstance(one, Alert) for one in done) == alerts.ALERTS_MAX
    assert Alert.objects.count() == alerts.ALERTS_MAX


def test_nobody_removes_the_alert_of_another(alice: Customer, charlie: Customer) -> None:
    alert = low(alice)
    charlie.browser.post(f"/billing/alerts/{alert.pk}/remove")
    assert Alert.objects.filter(pk=alert.pk).exists()


def test_looking_at_an_address_changes_nothing(alice: Customer) -> None:
    alert = low(alice)
    for path in ("/billing/alerts", f"/billing/alerts/{alert.pk}/remove"):
        answer = alice.browser.get(path)
        assert (answer.status_code, answer["Location"]) == (302, "/billing")
    assert Alert.objects.filter(pk=alert.pk).exists()
