"""What an account can spend, how it came to be so, and what it wishes for."""

from billing.models.books import Grant, Hold, KeySpend, LedgerAccount, Transfer
from billing.models.orders import CreditOrder, Freeze
from billing.models.payments import (
    Dispute,
    PaymentProfile,
    Purchase,
    Refund,
    RefundOrder,
    StripeEvent,
)
from billing.models.wishes import Alert, AutoTopUp, PromoCode

__all__ = [
    "Alert",
    "AutoTopUp",
    "CreditOrder",
    "Dispute",
    "Freeze",
    "Grant",
    "Hold",
    "KeySpend",
    "LedgerAccount",
    "PaymentProfile",
    "PromoCode",
    "Purchase",
    "Refund",
    "RefundOrder",
    "StripeEvent",
    "Transfer",
]
