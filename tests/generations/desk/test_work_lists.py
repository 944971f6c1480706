"""The work lists: what is on them, and that each action settles what it is about."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import webhooks
from accounts.acts import OperatorAct
from accounts.models import Event, WebhookDelivery
from billing import ledger
from billing.models import Dispute, LedgerAccount, StripeEvent, Transfer
from generations import lifecycle
from generations.desk import lists
from generations.models import Generation
from tests.billing import stories
from tests.billing.stripe_desk import Desk
from tests.cast import Customer, tester
from tests.generations import stage
from tests.generations.desk.operators import address, helper, said

Status = Generation.Status


def in_doubt(customer: Customer) -> Generation:
    job = stage.job(customer)
    assert lifecycle.start_submit(job, "https://pictures.test/x")
    assert lifecycle.doubt(job, timedelta(minutes=5), "no answer")
    return stage.fresh(job)


def listed(name: str) -> list[Any]:
    return list(lists.BY_NAME[name].rows())


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def test_a_job_in_doubt_is_failed_and_its_price_released(alice: Customer, olga: Customer) -> None:
    job = in_doubt(alice)
    assert f"pk={job.pk}" in text(olga.browser.get("/admin/work/doubt/"))
    page: Any = olga.browser.post(address("generation", "fail", job), said("Gone"), follow=True)
    assert "$0.42 is free again" in text(page)
    stage.assert_refunded(job, code=5000, says="trouble on our side")
    assert "Gone" in stage.fresh(job).operator_note
    act = OperatorAct.objects.get()
    assert (act.before, act.after) == ({"status": "in_doubt"}, {"status": "failed"})
    assert listed("doubt") == []


def test_many_are_failed_with_one_reason(alice: Customer, olga: Customer) -> None:
    jobs = [in_doubt(alice) for _ in range(3)]
    olga.browser.post(address("generation", "fail", *jobs), said("The upstream burnt down"))
    assert {stage.fresh(job).status for job in jobs} == {Status.FAILED}
    assert OperatorAct.objects.filter(what="failed a job").count() == 3


def test_a_job_that_has_ended_is_left_alone(alice: Customer, olga: Customer) -> None:
    job = in_doubt(alice)
    for _ in range(2):
        page: Any = olga.browser.post(address("generation", "fail", job), said())
    assert "has ended already" in text(page)
    assert OperatorAct.objects.count() == 1


def test_a_film_that_is_not_fetched_is_looked_at_again(alice: Customer, olga: Customer) -> None:
    job = stage.processing(alice)
    Generation.objects.filter(pk=job.pk).update(due_at=timezone.now() + timedelta(hours=1))
    olga.browser.post(address("generation", "look", job), said("Their store is back"))
    assert stage.fresh(job).due_at <= timezone.now()
    assert OperatorAct.objects.get().what == "looked at a job again"


def test_held_long_is_what_waits_for_half_of_our_patience(alice: Customer) -> None:
    late, soon = stage.processing(alice, "up1"), stage.processing(alice, "up2")
    stage.age(late, minutes=31)
    stage.age(soon, minutes=29)
    assert [job.pk for job in listed("held")] == [late.pk]


def test_what_is_settled_leaves_its_list(alice: Customer, olga: Customer) -> None:
    job = stage.processing(alice)
    Generation.objects.filter(pk=job.pk).update(
        status=Status.FAILED,
        error="x",
        finished_at=timezone.now(),
        operator_note="may have been paid upstream; no answer",
    )
    assert [one.pk for one in listed("paid")] == [job.pk]
    olga.browser.post(address("generation", "settle", job), said("They gave it back"))
    assert listed("paid") == []


def test_jobs_in_test_mode_are_no_work(alice: Customer) -> None:
    job = stage.job(tester(alice))
    stage.age(job, days=3)
    assert listed("held") == []


def test_a_dispute_is_listed_until_it_ends_or_is_settled(
    desk: Desk, bob: Customer, olga: Customer
) -> None:
    purchase = stories.paid(desk, bob)
    stories.dispute(desk, purchase)
    stories.deliver(stories.events_of(desk, purchase))
    dispute = Dispute.objects.get()
    assert dispute.pk in text(olga.browser.get("/admin/work/disputes/"))
    olga.browser.post(address("dispute", "settle", dispute), said("Answered at Stripe"))
    assert listed("disputes") == []


def test_a_receivable_is_listed_with_its_account(bob: Customer, olga: Customer) -> None:
    source, kind = LedgerAccount.Code.DISPUTES, Transfer.Kind.DISPUTE
    ledger.claw_back(bob.account, 7_000_000, to=source, kind=kind, reference="dispute:du:out")
    shown = text(olga.browser.get("/admin/work/receivables/"))
    assert "$7.00" in shown
    assert f"/admin/story/account/{bob.account.pk}/" in shown


def test_an_event_that_failed_is_listed(olga: Customer) -> None:
    for name, minutes in (("evt_old", 5), ("evt_now", 0)):
        at = timezone.now() - timedelta(minutes=minutes)
        StripeEvent.objects.create(pk=name, type="x", payload={}, received_at=at)
    assert [event.pk for event in listed("events")] == ["evt_old"]
    assert "evt_old" in text(olga.browser.get("/admin/work/events/"))


def test_a_failed_webhook_is_sent_again(alice: Customer, olga: Customer) -> None:
    webhooks.add(alice.account, "https://hooks.example/x", [Event.COMPLETED])
    webhooks.announce(alice.account, Event.COMPLETED, "1", {"id": "1"})
    message = WebhookDelivery.objects.get()
    WebhookDelivery.objects.update(status="failed", attempts=10, last_error="HTTP 500")
    assert "HTTP 500" in text(olga.browser.get("/admin/work/webhooks/"))
    olga.browser.post(address("webhookdelivery", "send", message), said("Their server is back"))
    message.refresh_from_db()
    assert (message.status, message.attempts) == ("pending", 0)
    assert OperatorAct.objects.get().before == {"status": "failed", "attempts": 10}


@pytest.mark.parametrize(
    ("model", "action", "permission"),
    [
        ("generation", "fail", "change_generation"),
        ("generation", "look", "change_generation"),
        ("account", "freeze", "add_freeze"),
        ("account", "credit", "add_creditorder"),
    ],
)
def test_an_action_is_for_those_who_were_given_it(
    alice: Customer, model: str, action: str, permission: str
) -> None:
    thing = in_doubt(alice) if model == "generation" else alice.account
    page = address(model, action, thing)
    stranger, may = helper("stranger", "view_account"), helper("may", permission)
    assert stranger.browser.get(page).status_code == 403
    assert stranger.browser.post(page, said()).status_code == 403
    assert alice.browser.post(page, said()).status_code == 302
    assert may.browser.get(page).status_code == 200
    assert not OperatorAct.objects.exists()


@pytest.mark.parametrize(
    "page",
    [
        "/admin/act/generation/fail/",
        "/admin/act/generation/fail/?pk=x",
        "/admin/act/generation/fail/?pk=00000000-0000-0000-0000-000000000000",
        "/admin/act/generation/sell/?pk=1",
        "/admin/work/nothing/",
        "/admin/story/account/00000000-0000-0000-0000-000000000000/",
    ],
)
def test_what_is_not_there_is_404(olga: Customer, page: str) -> None:
    assert olga.browser.get(page).status_code == 404


def test_the_way_back_leads_to_this_site_only(alice: Customer, olga: Customer) -> None:
    for wanted in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        job = in_doubt(alice)
        entries = said(after=wanted)
        answer = olga.browser.post(address("generation", "fail", job), entries)
        assert answer["Location"] == "/admin/generations/generation/"
