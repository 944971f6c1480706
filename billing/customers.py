"""Customers at Stripe: one per account, made once; their portal and their receipts."""

from typing import Any

from django.conf import settings

from accounts import twins
from accounts.models import Account
from billing import gateway
from billing.models import PaymentProfile, Purchase


def customer_of(account: Account, email: str) -> str:
    """Return the id of the account's customer at Stripe, making it on the first call.

    Stripe answers a repeated call for one account with the same customer, so a crash between
    its answer and our note makes no second one. Raises stripe.StripeError and twins.LiveOnly.
    """
    twins.require_live(account)
    profile, _ = PaymentProfile.objects.get_or_create(account=account)
    if profile.customer:
        return profile.customer
    made = gateway.client().v1.customers.create(
        params={"email": email, "metadata": {"account": str(account.pk)}},
        options={"idempotency_key": f"customer:{account.pk}"},
    )
    # Whoever was first keeps its customer.
    PaymentProfile.objects.filter(account=account, customer="").update(customer=made.id)
    return PaymentProfile.objects.get(account=account).customer


def portal(account: Account, email: str) -> str:
    """Return a short-lived address where the customer manages cards and invoices.

    Raises stripe.StripeError and twins.LiveOnly.
    """
    params: Any = {
        "customer": customer_of(account, email),
        "return_url": f"{settings.PUBLIC_URL}/billing",
    }
    return gateway.client().v1.billing_portal.sessions.create(params=params).url


def receipt(purchase: Purchase) -> str:
    """Return the address of a purchase's invoice at Stripe, or "" while there is none.

    An automatic purchase has a receipt instead. Raises stripe.StripeError.
    """
    if purchase.invoice:
        return gateway.client().v1.invoices.retrieve(purchase.invoice).hosted_invoice_url or ""
    if purchase.origin == Purchase.Origin.AUTO and purchase.status == Purchase.Status.PAID:
        return gateway.receipt_of(purchase.payment_intent)
    return ""
