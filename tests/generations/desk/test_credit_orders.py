"""Operators give, take and forgive credit: small sums alone, large ones two of them together."""

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.acts import OperatorAct
from billing import audit, credit_orders, ledger, money, sums
from billing.models import CreditOrder, LedgerAccount, Transfer
from tests.cast import Customer, tester
from tests.generations.desk.operators import address, helper, said

DOLLAR = money.MICROS_PER_DOLLAR
Sort = CreditOrder.Sort


def ordered(customer: Customer, by: Customer, dollars: int, sort: Sort = Sort.GRANT) -> CreditOrder:
    return credit_orders.order(
        customer.account, sort, dollars * DOLLAR, "They wrote", by.user, uuid.uuid4()
    )


def owing(customer: Customer, dollars: int) -> None:
    """Let a refund take more than the customer has."""
    source, kind = LedgerAccount.Code.DISPUTES, Transfer.Kind.DISPUTE
    ledger.claw_back(
        customer.account, dollars * DOLLAR, to=source, kind=kind, reference="dispute:du:out"
    )


def assert_books_are_right() -> None:
    assert [fault for fault in audit.faults() if "order" in fault] == []
    assert sums.audit().faults == []


def test_a_small_sum_is_given_at_once_and_written_down(bob: Customer, olga: Customer) -> None:
    page = address("account", "credit", bob.account)
    entries = said("A film was poor", sort="grant", amount_micros="12.50")
    done: Any = olga.browser.post(page, entries, follow=True)
    assert "Give credit: $12.50. Done." in done.content.decode()
    assert bob.balance_micros == 12_500_000
    act = OperatorAct.objects.get(what="gave credit")
    assert (act.by, act.reason, act.about_account) == (olga.user, "A film was poor", bob.account.pk)
    assert (act.before["balance"], act.after["balance"]) == ("0.00", "12.50")
    assert_books_are_right()


def test_the_same_page_sent_twice_gives_once(bob: Customer, olga: Customer) -> None:
    entries = said(sort="grant", amount_micros="5")
    for _ in range(2):
        olga.browser.post(address("account", "credit", bob.account), entries)
    assert bob.balance_micros == 5 * DOLLAR


def test_a_large_sum_waits_for_a_second_person(
    bob: Customer, olga: Customer, otto: Customer
) -> None:
    order = ordered(bob, olga, 51)
    assert order.state == CreditOrder.State.OPEN
    assert bob.balance_micros == 0
    with pytest.raises(credit_orders.OrderRefused, match="yourself"):
        credit_orders.confirm(order, "I say so", olga.user)
    page: Any = otto.browser.post(address("creditorder", "confirm", order), said(), follow=True)
    assert "$51.00" in page.content.decode()
    assert bob.balance_micros == 51 * DOLLAR
    with pytest.raises(credit_orders.OrderRefused, match="before"):
        credit_orders.confirm(order, "Once more", otto.user)
    assert bob.balance_micros == 51 * DOLLAR
    assert_books_are_right()


def test_a_large_sum_in_small_parts_waits_too(bob: Customer, olga: Customer) -> None:
    states = [ordered(bob, olga, 20).state for _ in range(3)]
    assert states == ["done", "done", "open"]
    assert bob.balance_micros == 40 * DOLLAR


def test_a_refused_order_books_nothing(bob: Customer, olga: Customer, otto: Customer) -> None:
    order = ordered(bob, olga, 51)
    credit_orders.refuse(order, "Too much", otto.user)
    with pytest.raises(credit_orders.OrderRefused):
        credit_orders.confirm(order, "After all", otto.user)
    assert bob.balance_micros == 0
    assert OperatorAct.objects.filter(what="refused a credit order", by=otto.user).exists()


def test_taken_is_what_can_be_spent_and_no_more(alice: Customer, olga: Customer) -> None:
    ledger.hold(alice.account, 20 * DOLLAR, reference="job:1")
    with pytest.raises(credit_orders.OrderRefused, match=r"Only \$5.00 can be taken"):
        ordered(alice, olga, 6, Sort.TAKE)
    assert not CreditOrder.objects.exists(), "a refused deed leaves no trace"
    ordered(alice, olga, 5, Sort.TAKE)
    assert (alice.balance_micros, alice.available_micros) == (20 * DOLLAR, 0)
    assert Transfer.objects.filter(kind="correction", amount_micros=5 * DOLLAR).count() == 1


def test_a_debt_is_forgiven_as_far_as_there_is_one(bob: Customer, olga: Customer) -> None:
    owing(bob, 7)
    with pytest.raises(credit_orders.OrderRefused, match=r"Only \$7.00 is owed"):
        ordered(bob, olga, 8, Sort.FORGIVE)
    ordered(bob, olga, 7, Sort.FORGIVE)
    book = ledger.book(bob.account)
    assert (book.balance_micros, book.receivable_micros) == (0, 0)
    assert_books_are_right()


def test_the_audit_sees_an_order_without_its_booking(bob: Customer, olga: Customer) -> None:
    order = ordered(bob, olga, 51)
    CreditOrder.objects.filter(pk=order.pk).update(
        state=CreditOrder.State.DONE, decided_at=timezone.now()
    )
    assert [fault for fault in audit.faults() if f"order:{order.pk}" in fault]


def test_an_account_in_test_mode_gets_no_real_credit(alice: Customer, olga: Customer) -> None:
    twin = tester(alice)
    page: Any = olga.browser.post(
        address("account", "credit", twin.account), said(sort="grant", amount_micros="5")
    )
    assert "test mode" in page.content.decode()
    assert not CreditOrder.objects.exists()


def test_the_database_knows_no_confirmation_of_ones_own(bob: Customer, olga: Customer) -> None:
    order = ordered(bob, olga, 51)
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        CreditOrder.objects.filter(pk=order.pk).update(
            state=CreditOrder.State.DONE, decided_at=timezone.now(), decided_by=olga.user
        )


@pytest.mark.parametrize("empty", ["", "   "])
def test_nothing_happens_without_a_reason(bob: Customer, olga: Customer, empty: str) -> None:
    page: Any = olga.browser.post(
        address("account", "credit", bob.account),
        said(empty, sort="grant", amount_micros="5"),
    )
    assert "This field is required" in page.content.decode()
    assert bob.balance_micros == 0


def test_who_may_order_may_not_confirm_without_being_given_it(
    bob: Customer, olga: Customer
) -> None:
    clerk = helper("clerk", "add_creditorder")
    order = ordered(bob, olga, 51)
    assert clerk.browser.get(address("account", "credit", bob.account)).status_code == 200
    assert clerk.browser.post(address("creditorder", "confirm", order), said()).status_code == 403
    assert bob.balance_micros == 0
