"""The report of margin: what we sell beside what the upstream asks, and where we lose."""

from typing import NamedTuple

from django.db.models import Sum
from django.urls import reverse

from generations import catalog
from generations.reports import cost_figures, ledger_figures
from generations.reports.cost_figures import Cost, Loss
from generations.reports.ledger_figures import Money
from generations.reports.models import UpstreamBill, UpstreamPrice
from generations.reports.money_report import MONEY, PERIOD
from generations.reports.periods import Period, Span
from generations.reports.report import Figure, Report, figure
from generations.reports.tables import Column, Link, Sort, Table, share

INTRO = (
    "Prices are asked for and bills read every hour. A job that failed for its customer brings "
    "nothing; until the upstream has given its charge back, it is a loss."
)
STRAYS_MAX = 100


class Offer(NamedTuple):
    """What we sell at what price, and what it costs us, None while nobody has asked."""

    model: str
    resolution: str
    ours_micros: int
    theirs: UpstreamPrice | None


def margin_report(span: Span) -> Report:
    """Return prices side by side, jobs sold below cost, and bills of no job of ours."""
    money, costs = ledger_figures.money_of(span), cost_figures.costs_of(span)
    losses, offers = cost_figures.losses_in(span.last), _offers()
    shares = [_margin(one, cost) for one, cost in zip(money, costs, strict=True)]
    figures = [
        figure("Margin", Sort.SHARE, shares, "of revenue, as far as bills are known"),
        Figure("Prices below cost", Sort.COUNT, sum(1 for one in offers if _is_below(one))),
        Figure("Jobs sold below cost", Sort.COUNT, len(losses), note=f"ended in {span.last}"),
        _strays(),
    ]
    tables = [_prices(offers), _known(costs), _below(span.last, losses), _stray_bills()]
    return Report("margin", "Margin", INTRO, figures, tables)


def _margin(money: Money, cost: Cost) -> int | None:
    return share(money.revenue_micros - cost.micros, money.revenue_micros)


def _offers() -> list[Offer]:
    rows = UpstreamPrice.objects.order_by("model", "resolution", "-since", "-id")
    known = {(row.model, row.resolution): row for row in rows.distinct("model", "resolution")}
    return [
        Offer(model.id, resolution, micros, known.get((model.id, resolution)))
        for model in catalog.MODELS.values()
        for resolution, micros in model.micros_per_second.items()
    ]


def _is_below(offer: Offer) -> bool:
    return offer.theirs is not None and offer.theirs.micros_per_second > offer.ours_micros


def _prices(offers: list[Offer]) -> Table:
    return Table(
        "prices",
        "Our price and the upstream's, a second",
        (
            Column("model", "Model", Sort.TEXT),
            Column("resolution", "Resolution", Sort.TEXT),
            Column("ours", "We ask", MONEY),
            Column("theirs", "It costs us", MONEY),
            Column("since", "Since (UTC)", Sort.MOMENT),
            Column("margin", "Margin", Sort.SHARE),
            Column("below_cost", "Below cost", Sort.TEXT),
        ),
        [
            (
                offer.model,
                offer.resolution,
                offer.ours_micros,
                theirs and theirs.micros_per_second,
                theirs and theirs.since,
                share(offer.ours_micros - theirs.micros_per_second, offer.ours_micros)
                if theirs
                else None,
                "below cost" if _is_below(offer) else "",
            )
            for offer in offers
            for theirs in [offer.theirs]
        ],
    )


def _known(costs: list[Cost]) -> Table:
    return Table(
        "bills",
        "The upstream's bills",
        (
            PERIOD,
            Column("charged", "Charged", MONEY),
            Column("returned", "Given back", MONEY),
            Column("cost", "Cost", MONEY),
            Column("submitted", "Jobs submitted"),
            Column("billed", "Bills known"),
        ),
        [
            (
                cost.period,
                cost.charged_micros,
                cost.returned_micros,
                cost.micros,
                cost.submitted,
                cost.billed,
            )
            for cost in costs
        ],
        drawn=("charged", "returned"),
    )


def _below(period: Period, losses: list[Loss]) -> Table:
    return Table(
        "below_cost",
        f"Jobs sold below cost, {period}",
        (
            Column("job", "Job", Sort.TEXT),
            Column("model", "Model", Sort.TEXT),
            Column("resolution", "Resolution", Sort.TEXT),
            Column("asked", "Asked for (UTC)", Sort.MOMENT),
            Column("paid", "Customer paid", MONEY),
            Column("cost", "Cost us", MONEY),
            Column("loss", "Loss", MONEY),
        ),
        [
            (
                Link(one.job.hex, reverse("admin:generations_generation_change", args=[one.job])),
                one.model,
                one.resolution,
                one.created_at,
                one.paid_micros,
                one.cost_micros,
                one.cost_micros - one.paid_micros,
            )
            for one in losses
        ],
        note=f"The worst {cost_figures.JOBS_MAX} at most.",
    )


def _strays() -> Figure:
    stray = UpstreamBill.objects.filter(generation=None, sort=UpstreamBill.Sort.CHARGE)
    micros = stray.aggregate(sum=Sum("micros"))["sum"] or 0
    return Figure("Billed without a job", MONEY, micros, note="of all time; see the last table")


def _stray_bills() -> Table:
    rows = UpstreamBill.objects.filter(generation=None).order_by("-billed_at", "-id")
    return Table(
        "strays",
        "Bills of no job of ours",
        (
            Column("billed", "Billed (UTC)", Sort.MOMENT),
            Column("sort", "Sort", Sort.TEXT),
            Column("upstream_id", "Upstream's id", Sort.TEXT),
            Column("sum", "Sum", MONEY),
        ),
        [
            (row.billed_at, row.get_sort_display(), row.upstream_id, row.micros)
            for row in rows[:STRAYS_MAX]
        ],
        note="Either somebody else uses our key, or a job of ours was paid twice.",
    )
