"""The report of accounts: who came, who is active, and who pays most."""

from django.urls import reverse

from generations.reports import job_figures, ledger_figures
from generations.reports.job_figures import Came, Jobs
from generations.reports.ledger_figures import Payer
from generations.reports.money_report import MONEY, PERIOD
from generations.reports.periods import Period, Span
from generations.reports.report import Report, figure
from generations.reports.tables import Column, Link, Sort, Table, share

INTRO = (
    "An account is active when it asked for a film. Conversion looks at the accounts that were "
    "opened in a period, and at what they have done by now. Accounts in test mode do not count."
)


def accounts_report(span: Span) -> Report:
    """Return active and new accounts, their conversion, and who pays most."""
    jobs, came = job_figures.jobs_of(span), job_figures.came_in(span)
    payers = ledger_figures.top_payers(span.last)
    figures = [
        figure("Active accounts", Sort.COUNT, [one.active_accounts for one in jobs]),
        figure("New accounts", Sort.COUNT, [one.accounts for one in came]),
        figure("Sign-up to first film", Sort.SHARE, [_to_film(one) for one in came]),
        figure("Sign-up to purchase", Sort.SHARE, [_to_purchase(one) for one in came]),
    ]
    tables = [_active(jobs), _conversion(came), _top(span.last, payers)]
    return Report("accounts", "Accounts", INTRO, figures, tables)


def _to_film(came: Came) -> int | None:
    return share(came.with_film, came.accounts)


def _to_purchase(came: Came) -> int | None:
    return share(came.with_purchase, came.accounts)


def _active(jobs: list[Jobs]) -> Table:
    return Table(
        "active",
        "Active accounts",
        (PERIOD, Column("active", "Active accounts"), Column("asked", "Jobs asked for")),
        [(one.period, one.active_accounts, one.asked) for one in jobs],
        drawn=("active",),
    )


def _conversion(came: list[Came]) -> Table:
    return Table(
        "conversion",
        "From sign-up to first film",
        (
            PERIOD,
            Column("opened", "Opened"),
            Column("with_film", "Made a film"),
            Column("conversion", "Conversion", Sort.SHARE),
            Column("with_purchase", "Bought credit"),
            Column("purchase_conversion", "Bought, share", Sort.SHARE),
        ),
        [
            (
                one.period,
                one.accounts,
                one.with_film,
                _to_film(one),
                one.with_purchase,
                _to_purchase(one),
            )
            for one in came
        ],
        drawn=("opened", "with_film"),
    )


def _top(period: Period, payers: list[Payer]) -> Table:
    return Table(
        "top",
        f"Accounts that brought most, {period}",
        (
            Column("account", "Account", Sort.TEXT),
            Column("account_id", "Id", Sort.TEXT),
            Column("films", "Films"),
            Column("revenue", "Revenue", MONEY),
        ),
        [(_link(one), str(one.account), one.films, one.revenue_micros) for one in payers],
    )


def _link(payer: Payer) -> Link:
    return Link(payer.name, reverse("admin:account_story", args=[payer.account]))
