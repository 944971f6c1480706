"""What customers set and redeem on the billing page: alerts and promotion codes."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.access import with_money
from accounts.models import Account
from billing import alerts, money, page, promotions
from billing.forms import AlertForm, CodeForm
from billing.trial_pages import with_live_account


@with_live_account
def code(request: HttpRequest, account: Account) -> HttpResponse:
    """Redeem a promotion code."""
    form = CodeForm(request.POST or None)
    if not form.is_valid():
        return _page_again(request, account, code_form=form)
    try:
        given = promotions.redeem(account, form.cleaned_data["code"])
    except (promotions.CodeRefused, promotions.CodeUsed) as refusal:
        form.add_error("code", str(refusal))
        return _page_again(request, account, code_form=form)
    done = _("%(sum)s of credit is yours.") % {"sum": money.display(given)}
    messages.success(request, done)
    return redirect("billing")


@with_money
def alert_add(request: HttpRequest, account: Account) -> HttpResponse:
    """Set an alert."""
    form = AlertForm(request.POST or None)
    if not form.is_valid():
        return _page_again(request, account, alert_form=form)
    try:
        alerts.add(
            account, alerts.Kind(form.cleaned_data["kind"]), form.cleaned_data["threshold_micros"]
        )
    except alerts.AlertRefused as refusal:
        form.add_error("threshold_micros", str(refusal))
        return _page_again(request, account, alert_form=form)
    messages.success(request, _("The alert is set. We write to you when it is crossed."))
    return redirect("billing")


@with_money
def alert_remove(request: HttpRequest, account: Account, pk: int) -> HttpResponse:
    """Remove one of the account's alerts."""
    if request.method == "POST":
        if not alerts.remove(account, pk):
            raise Http404("There is no such alert.")
        messages.success(request, _("The alert is removed."))
    return redirect("billing")


def _page_again(
    request: HttpRequest, account: Account, **forms: AlertForm | CodeForm
) -> HttpResponse:
    """Show what was wrong; somebody who only follows the address comes to the page."""
    if request.method != "POST":
        return redirect("billing")
    return page.show(request, account, **forms)
