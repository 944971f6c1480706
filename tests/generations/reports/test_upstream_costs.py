"""The upstream's prices and bills: read, kept with their jobs, and told where we lose."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.models import Schedule

from generations.models import Generation
from generations.reports import cost_figures, tasks, upstream_costs
from generations.reports.models import UpstreamBill, UpstreamPrice
from generations.reports.periods import Period, Unit
from generations.reports.upstream_costs import CostsUnread, Till, micros_of
from tests.cast import Customer
from tests.generations import stage


def answering(*answers: Any) -> Till:
    """Return a till whose upstream gives these answers, the last one for ever."""
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        data = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(data, httpx.Response):
            return data
        return httpx.Response(200, json={"code": 200, "data": data})

    return Till(httpx.MockTransport(answer))


def bill(number: int, upstream_id: str, price: Any = 0.42, sort: str = "deduct") -> dict[str, Any]:
    return {
        "uuid": f"bill{number}",
        "billing_type": sort,
        "price": price,
        "created_at": timezone.now().isoformat().replace("+00:00", "Z"),
        "order": {"state": "done"},
        "prediction": {"uuid": upstream_id, "status": "completed"},
    }


def page(*items: dict[str, Any]) -> dict[str, Any]:
    return {"page": 1, "total": len(items), "items": list(items)}


def test_the_sandboxs_prices_and_bills_are_read(
    alice: Customer, settle: Callable[[], None]
) -> None:
    job = stage.job(alice)
    settle()
    assert "prices changed" in tasks.read_upstream_costs()
    prices = UpstreamPrice.objects.filter(model=job.model)
    assert dict(prices.values_list("resolution", "micros_per_second")) == {
        "720p": 140_000,
        "1080p": 189_000,
    }
    [ours] = UpstreamBill.objects.filter(generation=job)
    assert (ours.sort, ours.micros) == ("deduct", 420_000)
    assert ours.upstream_id == stage.fresh(job).upstream_id


def test_reading_again_changes_nothing(alice: Customer, settle: Callable[[], None]) -> None:
    stage.job(alice)
    settle()
    tasks.read_upstream_costs()
    known = [list(table.objects.order_by("pk").values()) for table in (UpstreamPrice, UpstreamBill)]
    assert tasks.read_upstream_costs().startswith("0 prices changed")
    assert known == [
        list(table.objects.order_by("pk").values()) for table in (UpstreamPrice, UpstreamBill)
    ]


def test_a_price_that_changes_is_dated(db: None) -> None:
    with answering({"price": 0.7}) as till:
        upstream_costs.read_prices(till)
    before = UpstreamPrice.objects.count()
    with answering({"price": 0.7, "discounted_price": 0.6}) as till:
        upstream_costs.read_prices(till)
    kept = UpstreamPrice.objects.filter(resolution="720p").order_by("since")
    assert UpstreamPrice.objects.count() == 2 * before
    assert {row.micros_per_second for row in kept} == {140_000, 120_000}


def test_a_bill_of_a_job_that_is_known_later_finds_it(alice: Customer) -> None:
    with answering(page(bill(1, "up-late")), page()) as till:
        upstream_costs.read_bills(till)
    assert UpstreamBill.objects.get().generation is None
    job = stage.processing(alice, "up-late")
    with answering(page()) as till:
        upstream_costs.read_bills(till)
    assert UpstreamBill.objects.get().generation == job


def test_many_pages_are_read_to_the_end(db: None) -> None:
    full = page(*(bill(number, f"up{number}") for number in range(100)))
    rest = page(*(bill(number, f"up{number}") for number in range(100, 103)))
    with answering(full, rest, page()) as till:
        assert upstream_costs.read_bills(till) == 103
    assert UpstreamBill.objects.count() == 103


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, text="no json"),
        {"items": None},
        None,
        page({"uuid": "x"}),
        page(bill(1, "x", "free")),
        page(bill(1, "x", sort="gift")),
        page(bill(1, "x", -1)),
    ],
)
def test_what_cannot_be_read_is_never_taken_for_free(db: None, answer: Any) -> None:
    with answering(answer) as till, pytest.raises(CostsUnread):
        upstream_costs.read_bills(till)
    assert not UpstreamBill.objects.exists()


@pytest.mark.parametrize(
    ("dollars", "micros"), [(0.945, 945_000), (0.1 + 0.2, None), (3, 3_000_000), ("0.14", 140_000)]
)
def test_dollars_become_micro_dollars_exactly(dollars: Any, micros: int | None) -> None:
    if micros is None:
        with pytest.raises(ValueError, match="micro-dollars"):
            micros_of(dollars)
    else:
        assert micros_of(dollars) == micros


def test_a_job_sold_below_cost_is_reported(alice: Customer) -> None:
    month = Period.holding(Unit.MONTH, timezone.now().date())
    good, bad, failed = (stage.processing(alice, f"up{number}") for number in range(3))
    for job, error in ((good, ""), (bad, ""), (failed, "x")):
        status = "failed" if error else "completed"
        Generation.objects.filter(pk=job.pk).update(
            status=status, error=error, video="x", finished_at=timezone.now()
        )
    with answering(
        page(bill(1, "up0", 0.41), bill(2, "up1", 0.43), bill(3, "up2", 0.42)), page()
    ) as till:
        upstream_costs.read_bills(till)
    losses = {one.job: one.cost_micros - one.paid_micros for one in cost_figures.losses_in(month)}
    assert losses == {bad.pk: 10_000, failed.pk: 420_000}
    with answering(page(bill(4, "up2", 0.42, "refund")), page()) as till:
        upstream_costs.read_bills(till)
    assert {one.job for one in cost_figures.losses_in(month)} == {bad.pk}


def test_a_price_below_cost_is_marked(olga: Customer) -> None:
    UpstreamPrice.objects.create(
        model="alibaba/happyhorse-1.1/image-to-video",
        resolution="720p",
        micros_per_second=150_000,
        since=timezone.now() - timedelta(days=1),
    )
    shown: Any = olga.browser.get("/admin/reports/margin/")
    assert "below cost" in shown.content.decode().split('id="part-prices"')[1]


def test_it_is_done_every_hour(db: None) -> None:
    plan = Schedule.objects.get(func="generations.reports.tasks.read_upstream_costs")
    assert plan.schedule_type == Schedule.HOURLY


def test_a_bill_is_never_negative(db: None) -> None:
    with pytest.raises(IntegrityError, match="not_negative"), transaction.atomic():
        UpstreamBill.objects.create(
            id="x", sort="deduct", micros=-1, upstream_id="x", billed_at=timezone.now()
        )
