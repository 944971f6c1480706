"""The report of money: what came in, what it cost, and what we owe."""

from generations.reports import cost_figures, ledger_figures
from generations.reports.cost_figures import Cost
from generations.reports.ledger_figures import Money
from generations.reports.periods import Span
from generations.reports.report import Figure, Report, figure
from generations.reports.tables import Column, Sort, Table, share

MONEY = Sort.MONEY
PERIOD = Column("period", "Period", Sort.DAY)
INTRO = (
    "Every sum is one of the ledger's transfers, in UTC. Revenue is what films were charged, less "
    "what came back for seconds that they lacked. Cost is what the upstream's bills say, for all "
    "jobs, also those that failed."
)


def money_report(span: Span) -> Report:
    """Return revenue, cost, sales, gifts, refunds, disputes and liability of each period."""
    money, costs = ledger_figures.money_of(span), cost_figures.costs_of(span)
    return Report("money", "Money", INTRO, _figures(money, costs), _tables(money, costs))


def _figures(money: list[Money], costs: list[Cost]) -> list[Figure]:
    margins = [one.revenue_micros - cost.micros for one, cost in zip(money, costs, strict=True)]
    known = f"bills of {costs[-1].billed:,} of {costs[-1].submitted:,} jobs are known"
    return [
        figure("Revenue", MONEY, [one.revenue_micros for one in money]),
        figure("Upstream cost", MONEY, [cost.micros for cost in costs], known),
        figure("Gross margin", MONEY, margins, "revenue less upstream cost, as far as known"),
        figure("Credit sold", MONEY, [one.sold_micros for one in money]),
        figure(
            "Credit unspent",
            MONEY,
            [one.liability_micros for one in money],
            "what we owe customers at the end of the period, held credit included",
        ),
        figure("Promotional credit given", MONEY, [one.gifts_micros for one in money]),
        figure("Refunds", MONEY, [one.refunds_micros for one in money]),
        figure("Disputes", MONEY, [one.disputes_micros for one in money], "less those won"),
    ]


def _tables(money: list[Money], costs: list[Cost]) -> list[Table]:
    return [_revenue(money, costs), _credit(money), _back(money)]


def _revenue(money: list[Money], costs: list[Cost]) -> Table:
    return Table(
        "revenue",
        "Revenue and upstream cost",
        (
            PERIOD,
            Column("revenue", "Revenue", MONEY),
            Column("cost", "Upstream cost", MONEY),
            Column("margin", "Gross margin", MONEY),
            Column("margin_share", "Margin", Sort.SHARE),
            Column("jobs_billed", "Jobs with a known bill", Sort.SHARE),
        ),
        [
            (
                one.period,
                one.revenue_micros,
                cost.micros,
                one.revenue_micros - cost.micros,
                share(one.revenue_micros - cost.micros, one.revenue_micros),
                share(cost.billed, cost.submitted),
            )
            for one, cost in zip(money, costs, strict=True)
        ],
        drawn=("revenue", "cost"),
    )


def _credit(money: list[Money]) -> Table:
    return Table(
        "credit",
        "Credit sold, given and unspent",
        (
            PERIOD,
            Column("sold", "Credit sold", MONEY),
            Column("promotions", "Promotional credit given", MONEY),
            Column("promotions_back", "Promotional credit that ended", MONEY),
            Column("unspent", "Credit unspent", MONEY),
        ),
        [
            (
                one.period,
                one.sold_micros,
                one.gifts_micros,
                one.gifts_back_micros,
                one.liability_micros,
            )
            for one in money
        ],
        drawn=("sold", "unspent"),
        note="Credit unspent is what customers had at the end of the period: our liability.",
    )


def _back(money: list[Money]) -> Table:
    return Table(
        "refunds",
        "Refunds and disputes",
        (
            PERIOD,
            Column("refunds", "Refunds", MONEY),
            Column("disputes", "Disputes less those won", MONEY),
            Column("owed", "More owed to us", MONEY),
        ),
        [(one.period, one.refunds_micros, one.disputes_micros, one.owed_micros) for one in money],
        drawn=("refunds", "disputes"),
        note="What a refund or dispute could not take back is owed, and a later purchase pays it.",
    )
