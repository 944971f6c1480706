"""The page of what was used, drawn on the server, and the same as a table to take away."""

import csv
from collections.abc import Iterator
from datetime import date
from io import StringIO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import with_account
from accounts.models import Account
from generations import usage

# The drawing of the days: its width and height in the SVG's own units, without the floor.
WIDTH, HEIGHT = 720, 160
GAP = 0.2


@require_safe
@with_account
def usage_page(request: HttpRequest, account: Account) -> HttpResponse:
    """Show what was used by day, key and model."""
    days = _days(request)
    used = usage.of(account, days)
    by_day = used.by_day
    context = {
        "days": days,
        "spans": usage.SPANS,
        "total": used.total,
        "by_day": by_day,
        "most": max(by_day, key=lambda one: one.spent_micros),
        "bars": _bars(by_day),
        "lists": [(_("By key"), "key", used.by_key), (_("By model"), "model", used.by_model)],
        "drawing": {"width": WIDTH, "height": HEIGHT, "full": HEIGHT + 2},
        "dates": [_short(used.days[at]) for at in (0, len(used.days) // 2, -1)],
    }
    return render(request, "accounts/usage.html", context)


@require_safe
@with_account
def usage_csv(request: HttpRequest, account: Account) -> HttpResponseBase:
    """Send the same as CSV: a row for each day, key and model."""
    days = _days(request)
    name = f"gallop-usage-{days}-days.csv"
    return StreamingHttpResponse(
        _lines(usage.of(account, days)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return next((span for span in usage.SPANS if str(span) == asked), usage.DAYS)


def _lines(used: usage.Usage) -> Iterator[str]:
    for row in usage.table(used):
        line = StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue()


def _bars(days: list[usage.Sum]) -> list[dict[str, object]]:
    """Return where each day's bar stands."""
    width = WIDTH / len(days)
    return [
        {
            "x": f"{number * width + width * GAP / 2:.2f}",
            "width": f"{width * (1 - GAP):.2f}",
            "top": f"{HEIGHT * (1 - day.share / 1000):.2f}",
            "height": f"{HEIGHT * day.share / 1000:.2f}",
            "day": day,
        }
        for number, day in enumerate(days)
    ]


def _short(day: date) -> str:
    return date_format(day, "SHORT_MONTH_DAY_FORMAT")
