"""The pages of the reports, in the operator's part of the site."""

from collections.abc import Callable
from datetime import date

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.access import user_of
from generations.reports import asking, tables
from generations.reports.accounts_report import accounts_report
from generations.reports.films_report import films_report
from generations.reports.margin_report import margin_report
from generations.reports.money_report import money_report
from generations.reports.periods import Period, Span, Unit
from generations.reports.report import Report

PERMISSION = "reports.see_reports"
REPORTS: dict[str, Callable[[Span], Report]] = {
    "money": money_report,
    "films": films_report,
    "accounts": accounts_report,
    "margin": margin_report,
}


def urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses of all reports."""
    return [
        path(f"reports/{name}/", site.admin_view(_page(site, name)), name=f"report_{name}")
        for name in REPORTS
    ]


def _page(site: AdminSite, name: str) -> Callable[[HttpRequest], HttpResponseBase]:
    @never_cache
    def page(request: HttpRequest) -> HttpResponseBase:
        if not user_of(request).has_perm(PERMISSION):
            raise PermissionDenied("Your role may not see reports.")
        span = _span(request)
        with asking.one_moment():
            report = REPORTS[name](span)
        if wanted := request.GET.get("csv"):
            return _csv(report, span, wanted)
        context = {
            **site.each_context(request),
            "title": report.title,
            "report": report,
            "span": span,
            "units": Unit.choices,
            "names": [(one, f"admin:report_{one}", one.capitalize()) for one in REPORTS],
            "is_current": span.last.after.first > _today(),
        }
        return render(request, "admin/reports/report.html", context)

    return page


def _span(request: HttpRequest) -> Span:
    unit = request.GET.get("by", Unit.DAY)
    try:
        day = date.fromisoformat(request.GET.get("at", "") or _today().isoformat())
        return Span.ending(Period.holding(Unit(unit), min(day, _today())))
    except (ValueError, OverflowError) as error:
        raise Http404("There is no such period.") from error


def _today() -> date:
    return timezone.now().date()


def _csv(report: Report, span: Span, wanted: str) -> StreamingHttpResponse:
    table = report.table(wanted)
    if table is None:
        raise Http404("There is no such table.")
    name = f"gallop-{table.name}-{span.unit}-{span.last.first}.csv"
    return StreamingHttpResponse(
        tables.csv_of(table),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
