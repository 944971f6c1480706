"""What the billing page shows. Every view that answers with it names only what differs."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import Account
from billing import alerts, ledger, promotions, spending, statement, topup
from billing.forms import AlertForm, BuyForm, CodeForm, StatementForm
from billing.topup_form import TermsForm

STATEMENT_ROWS = 50
FIRST_PACK = "25"
TOP_UPS_SHOWN = 10


def show(request: HttpRequest, account: Account, **forms: Any) -> HttpResponse:
    """Answer with the page. `forms` replace the empty ones by their names below."""
    wanted = StatementForm(request.GET)
    choice = wanted.choice
    page = Paginator(statement.movements(account, choice), STATEMENT_ROWS).get_page(
        request.GET.get("page")
    )
    rule = topup.of(account)
    context: dict[str, Any] = {
        "form": BuyForm(initial={"pack": FIRST_PACK}),
        "code_form": CodeForm(),
        "alert_form": AlertForm(),
        "terms_form": TermsForm.of(rule),
        "rule": rule,
        "top_ups": topup.history(account)[:TOP_UPS_SHOWN],
        "book": ledger.book(account),
        "spent": spending.this_month(account),
        "gifts": promotions.gifts_of(account),
        "alerts": alerts.alerts_of(account),
        "wanted": wanted,
        "chosen": choice != statement.EVERYTHING,
        "page": page,
        "lines": statement.lines(account, page.object_list),
        "months": statement.months(account),
        "holds": statement.holds(account).count(),
    }
    return render(request, "billing/billing.html", context | forms)
