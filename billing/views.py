"""Buying credit and reading the statement; Stripe's webhook."""

import logging

import stripe
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.access import user_of, with_money
from accounts.models import Account
from billing import checkout, gateway, inbox, money, page, topup_rule, trial_pages
from billing.forms import BuyForm
from billing.models import Purchase

logger = logging.getLogger(__name__)

# In the session of who left a film half asked for to buy credit: what to go on with afterwards,
# as the query of the page where films are asked for.
BEGUN = "begun"


@with_money
def billing(request: HttpRequest, account: Account) -> HttpResponse:
    """Show the balance, the packs and the statement; a POST leads to Stripe Checkout.

    `?film` leads back to the film that credit is missing for, once it is bought.
    """
    if request.method == "POST" and account.is_test:
        return trial_pages.closed(request)
    if request.method == "GET" and "film" not in request.GET:
        request.session.pop(BEGUN, None)
    elif request.method == "GET":
        request.session.setdefault(BEGUN, {})
    form = BuyForm(request.POST or None, initial={"pack": page.FIRST_PACK})
    if request.method == "POST" and form.is_valid():
        try:
            keep = topup_rule.KEEP if form.cleaned_data["save_card"] else ""
            amount, email = form.cleaned_data["amount_micros"], user_of(request).email
            url = checkout.start(account, amount, email=email, keep=keep)
        except stripe.StripeError:
            logger.exception("Checkout could not be started.")
            form.add_error(
                None,
                _("The payment service does not answer. You were not charged; try again soon."),
            )
        else:
            return HttpResponse(status=303, headers={"Location": url})
    return page.show(request, account, form=form)


@with_money
def returned(request: HttpRequest, account: Account) -> HttpResponse:
    """Welcome a buyer back from Checkout, crediting at once if the payment is through."""
    try:
        purchase = checkout.fulfil(request.GET.get("session", ""))
    except (stripe.StripeError, checkout.PaymentMismatch):
        logger.exception("A return from Checkout could not be fulfilled; the webhook will.")
        purchase = None
    # Test mode may have been switched on meanwhile, in another window.
    if purchase is None or purchase.account_id != account.of_members.pk:
        coming = _("Your payment is on its way. The credit appears here by itself.")
        messages.info(request, coming)
    elif purchase.status == Purchase.Status.PAID:
        amount = money.display(purchase.amount_micros + purchase.bonus_micros)
        done = _("%(sum)s of credit is yours. Make something move.") % {"sum": amount}
        messages.success(request, done)
        begun = request.session.pop(BEGUN, None)
        if begun is not None:
            return redirect(f"{reverse('create')}?{urlencode(begun)}")
    else:
        waits = _("Your bank is still working on it. We credit you when it is done.")
        messages.info(request, waits)
    return redirect("billing")


@csrf_exempt
@require_POST
def stripe_hook(request: HttpRequest) -> HttpResponse:
    """Take in one event from Stripe: 200 once it is kept, 400 for what Stripe did not sign."""
    try:
        inbox.receive(request.body, request.headers.get("Stripe-Signature", ""))
    except gateway.InvalidEvent:
        logger.warning("A webhook without a good signature was refused.")
        return HttpResponseBadRequest("The signature does not match.")
    return HttpResponse("ok")
