"""The statement to take away: CSV of what is chosen, PDF of a month."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import with_money
from accounts.models import Account
from billing import statement, statement_csv, statement_pdf
from billing.forms import MonthForm, StatementForm

# What a reader would leaf through; a longer month is a table for a program.
PDF_LINES_MAX = 5000


@require_safe
@with_money
def as_csv(request: HttpRequest, account: Account) -> HttpResponseBase:
    """Stream the chosen lines, oldest first."""
    form = StatementForm(request.GET)
    if not form.is_valid():
        return redirect("billing")
    rows = statement_csv.rows(statement.all_lines(account, form.choice))
    return StreamingHttpResponse(
        rows,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="gallop-statement.csv"'},
    )


@require_safe
@with_money
def as_pdf(request: HttpRequest, account: Account) -> HttpResponse:
    """Draw the statement of one month."""
    first_day = MonthForm(request.GET).first_day
    if first_day is None:
        return redirect("billing")
    choice = statement.Choice(since=first_day, until=statement.last_day(first_day))
    if statement.movements(account, choice).count() > PDF_LINES_MAX:
        most = _("A PDF has up to %(number)s lines. Take the CSV instead.")
        messages.info(request, most % {"number": f"{PDF_LINES_MAX:,}"})
        return redirect("billing")
    month = statement_pdf.Month(
        account=account.name,
        account_id=str(account.pk),
        first_day=first_day,
        made_on=timezone.now().date(),
        opening_micros=statement.balance_before(account, first_day),
        lines=list(statement.all_lines(account, choice)),
    )
    name = f"gallop-statement-{first_day:%Y-%m}.pdf"
    return HttpResponse(
        statement_pdf.draw(month),
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
