"""The pages and buttons of automatic top-ups, of Stripe's portal, and of receipts."""

import logging
import uuid

import stripe
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import user_of
from accounts.models import Account
from billing import checkout, customers, page, topup, topup_link, topup_rule
from billing.models import AutoTopUp, Purchase
from billing.topup_form import TermsForm
from billing.trial_pages import with_live_account

logger = logging.getLogger(__name__)

NO_ANSWER = gettext_lazy(
    "The payment service does not answer. You were not charged; try again soon."
)
SECTION = "/billing#top-up"


@with_live_account
@require_POST
def write(request: HttpRequest, account: Account) -> HttpResponse:
    """Keep the rule. Without a saved card this leads to Checkout, where one is saved."""
    form = TermsForm(request.POST)
    if not form.is_valid():
        return page.show(request, account, terms_form=form)
    rule = topup_rule.write(account, form.terms)
    if rule.state == AutoTopUp.State.ON:
        messages.success(request, _("Automatic top-ups are on."))
        return redirect(SECTION)
    try:
        email = user_of(request).email
        url = checkout.start(account, rule.amount_micros, email=email, keep=topup_rule.START)
    except stripe.StripeError as error:
        return _no_answer(request, error)
    return _see_other(url)


@with_live_account
@require_POST
def turn_off(request: HttpRequest, account: Account) -> HttpResponse:
    """Switch the rule off."""
    topup_rule.turn_off(account)
    messages.success(request, _("Automatic top-ups are off. We charge nothing by ourselves."))
    return redirect(SECTION)


@with_live_account
@require_POST
def resume(request: HttpRequest, account: Account) -> HttpResponse:
    """Lead the owner of a paused rule to Checkout, to confirm at the bank."""
    rule = get_object_or_404(AutoTopUp, account=account, state=AutoTopUp.State.PAUSED)
    try:
        return _see_other(topup.confirm(rule, email=user_of(request).email))
    except stripe.StripeError as error:
        return _no_answer(request, error)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a mailed link is about; its button uses the link up and leads to Checkout.

    The link itself is the permission: it can only pay for the account that it was mailed to.
    Looking at it does not use it up, because mail scanners look at links too.
    """
    try:
        if request.method == "POST":
            return _see_other(topup.confirm_by_link(token))
        return render(request, "billing/topup_confirm.html", {"rule": topup_link.read(token)})
    except topup_link.LinkSpent as spent:
        return render(request, "billing/topup_confirm.html", {"spent": spent}, status=410)
    except stripe.StripeError:
        logger.exception("A confirmation could not lead to Checkout.")
        messages.error(request, NO_ANSWER)
        return redirect("top_up_confirm", token)


@with_live_account
@require_POST
def portal(request: HttpRequest, account: Account) -> HttpResponse:
    """Lead to Stripe's portal, where cards and invoices are looked after."""
    try:
        return _see_other(customers.portal(account, user_of(request).email))
    except stripe.StripeError as error:
        return _no_answer(request, error)


@with_live_account
@require_GET
def receipt(request: HttpRequest, account: Account, purchase: uuid.UUID) -> HttpResponse:
    """Lead to Stripe's page of one purchase: its invoice, or an automatic payment's receipt."""
    mine = get_object_or_404(Purchase, pk=purchase, account=account)
    try:
        url = customers.receipt(mine)
    except stripe.StripeError as error:
        return _no_answer(request, error)
    if not url:
        raise Http404("There is no receipt for this purchase.")
    return redirect(url)


def _see_other(url: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": url})


def _no_answer(request: HttpRequest, error: stripe.StripeError) -> HttpResponse:
    logger.error("Stripe did not do what a page asked for.", exc_info=error)
    messages.error(request, NO_ANSWER)
    return redirect("billing")
