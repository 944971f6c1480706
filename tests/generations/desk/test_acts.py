"""The audit log: appended with each deed, and never altered."""

from typing import Any

import pytest
from django.db import IntegrityError, InternalError, transaction

from accounts import acts
from accounts.acts import OperatorAct
from tests.cast import Customer
from tests.generations.desk.operators import helper


@pytest.fixture
def act(alice: Customer, olga: Customer) -> OperatorAct:
    return acts.note(olga.user, "looked", alice.account, "To see", account=alice.account.pk)


def test_an_act_is_neither_changed_nor_deleted(act: OperatorAct) -> None:
    for change in (
        lambda: OperatorAct.objects.update(reason="Another"),
        lambda: OperatorAct.objects.filter(pk=act.pk).delete(),
    ):
        with pytest.raises((IntegrityError, InternalError), match="final"), transaction.atomic():
            change()
    assert OperatorAct.objects.get().reason == "To see"


def test_an_act_without_a_reason_is_refused(alice: Customer, olga: Customer) -> None:
    with pytest.raises(IntegrityError, match="reason"), transaction.atomic():
        acts.note(olga.user, "looked", alice.account, "   ")


def test_a_user_is_changed_with_a_reason_and_before_and_after(
    bob: Customer, olga: Customer
) -> None:
    page = f"/admin/accounts/user/{bob.user.pk}/change/"
    unsaid: Any = olga.browser.post(page, {"is_active": "on", "is_staff": "on"})
    assert "This field is required" in unsaid.content.decode()
    olga.browser.post(page, {"is_active": "on", "is_staff": "on", "reason": "New colleague"})
    bob.user.refresh_from_db()
    assert bob.user.is_staff
    act = OperatorAct.objects.get()
    assert (act.what, act.reason, act.about_id) == (
        "changed a user",
        "New colleague",
        str(bob.user.pk),
    )
    assert (act.before["is_staff"], act.after["is_staff"]) == (False, True)


def test_the_log_can_be_looked_at_by_those_who_may(act: OperatorAct) -> None:
    reader, other = helper("reader", "view_operatoract"), helper("other")
    assert "To see" in reader.browser.get("/admin/accounts/operatoract/").content.decode()
    assert other.browser.get("/admin/accounts/operatoract/").status_code == 403
    assert reader.browser.get("/admin/accounts/operatoract/add/").status_code == 403
