"""A transfer stays as it was booked: PostgreSQL itself refuses to change or delete one."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection

from billing import money, sums
from billing.models import Transfer
from tests.billing.test_constraints import broken_constraint
from tests.cast import Customer


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        lambda: Transfer.objects.update(amount_micros=1),
        lambda: Transfer.objects.update(memo="a kinder word"),
        lambda: Transfer.objects.filter(reference="none").update(memo="nobody's"),
        lambda: Transfer.objects.get().delete(),
        lambda: Transfer.objects.all().delete(),
        lambda: sql("UPDATE billing_transfer SET credit_id = debit_id, debit_id = credit_id"),
        lambda: sql("DELETE FROM billing_transfer"),
    ],
    ids=["amount", "memo", "no row", "one", "all", "raw update", "raw delete"],
)
@pytest.mark.usefixtures("alice")
def test_the_database_refuses_to_change_a_transfer(change: Callable[[], object]) -> None:
    with pytest.raises(IntegrityError, match="transfers are final") as refused:
        change()
    assert broken_constraint(refused.value) == "transfer_is_final"


@pytest.mark.django_db(transaction=True)
def test_after_the_refusal_the_books_are_as_before(alice: Customer) -> None:
    with pytest.raises(IntegrityError):
        Transfer.objects.update(amount_micros=1)
    assert Transfer.objects.get().amount_micros == alice.balance_micros == money.parse("25")
    assert sums.audit().faults == []


@pytest.mark.usefixtures("alice")
def test_a_saved_copy_of_a_transfer_cannot_be_saved_again() -> None:
    transfer = Transfer.objects.get()
    transfer.memo = "changed"
    with pytest.raises(IntegrityError, match="book a correction"):
        transfer.save(update_fields=["memo"])
