"""The statement: every movement with its sign, the balance after it, the newest first."""

from itertools import accumulate

from billing import ledger, money
from billing.models import LedgerAccount, Transfer
from tests.cast import Customer

PRICE = money.parse("0.42")


def film(customer: Customer, number: int) -> None:
    """A finished job."""
    ledger.hold(customer.account, PRICE, reference=f"generation:{number}", memo=f"Film {number}")
    ledger.capture(f"generation:{number}")


def buy(customer: Customer, number: int) -> None:
    ledger.deposit(
        customer.account,
        money.parse("10"),
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference=f"purchase:{number}",
        memo="Credit bought",
    )


def lines(customer: Customer) -> list[tuple[str, str, str]]:
    return [
        (row.memo or row.kind, money.display(row.change_micros), money.display(row.running_micros))
        for row in ledger.statement(customer.account)
    ]


def test_a_new_customer_has_an_empty_statement(bob: Customer) -> None:
    assert lines(bob) == []


def test_credit_counts_up_films_count_down_and_the_newest_comes_first(alice: Customer) -> None:
    film(alice, 1)
    buy(alice, 1)
    film(alice, 2)
    assert lines(alice) == [
        ("Film 2", "-$0.42", "$34.16"),
        ("Credit bought", "$10.00", "$34.58"),
        ("Film 1", "-$0.42", "$24.58"),
        ("promotion", "$25.00", "$25.00"),
    ]


def test_held_and_released_credit_moved_no_money_and_has_no_line(alice: Customer) -> None:
    ledger.hold(alice.account, PRICE, reference="generation:1")
    assert len(lines(alice)) == 1
    ledger.release("generation:1")
    assert len(lines(alice)) == 1


def test_a_customer_sees_only_own_lines(alice: Customer, charlie: Customer) -> None:
    film(alice, 1)
    buy(alice, 1)
    film(charlie, 2)
    assert [line[0] for line in lines(charlie)] == ["Film 2", "promotion"]
    assert [line[0] for line in lines(alice)] == ["Credit bought", "Film 1", "promotion"]


def test_the_newest_balance_is_the_balance_and_every_line_adds_up(alice: Customer) -> None:
    for number in range(12):
        film(alice, number)
        if number % 5 == 0:
            buy(alice, number)
    rows = list(ledger.statement(alice.account))
    changes = [row.change_micros for row in reversed(rows)]
    assert [row.running_micros for row in reversed(rows)] == list(accumulate(changes))
    assert rows[0].running_micros == alice.balance_micros


def test_an_older_page_carries_the_balance_of_its_own_time(alice: Customer) -> None:
    for number in range(6):
        film(alice, number)
    newest_first = list(ledger.statement(alice.account))
    older = list(ledger.statement(alice.account)[4:])
    assert [row.running_micros for row in older] == [row.running_micros for row in newest_first[4:]]
    assert older[-1].running_micros == money.parse("25")
