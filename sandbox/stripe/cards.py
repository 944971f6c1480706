"""The test cards: what each does when it is charged. Any other number is refused.

Numbers and tokens are Stripe's own where Stripe has one; the two late ones are the sandbox's.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Card:
    """How a card behaves. Empty means: not at all.

    `declines` and `declines_later` are decline codes, at checkout and off session. `asks` says when
    its bank wants the customer: `always`, or `unsaved` (never again once saved for later use).
    `after` is what follows a successful payment at once. `refunds` is how a refund of it runs:
    `pending` first and then succeeded, or `failing` after it had succeeded.
    """

    number: str
    token: str
    does: str
    declines: str = ""
    declines_later: str = ""
    asks: Literal["", "always", "unsaved"] = ""
    late: Literal["", "settle", "fail"] = ""
    after: Literal["", "dispute", "inquiry", "warning"] = ""
    refunds: Literal["", "pending", "failing"] = ""

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def spaced(self) -> str:
        return " ".join(self.number[start : start + 4] for start in range(0, 16, 4))


CARDS = (
    Card("4242424242424242", "pm_card_visa", "Pays"),
    Card("4000000000000002", "pm_card_chargeDeclined", "Is declined", declines="generic_decline"),
    Card(
        "4000000000009995",
        "pm_card_chargeDeclinedInsufficientFunds",
        "Is declined: insufficient funds",
        declines="insufficient_funds",
    ),
    Card(
        "4000002500003155",
        "pm_card_authenticationRequiredOnSetup",
        "Asks for confirmation now; once saved, never again",
        asks="unsaved",
    ),
    Card(
        "4000002760003184",
        "pm_card_authenticationRequired",
        "Asks for confirmation every time; charged later without you, it fails",
        asks="always",
    ),
    Card(
        "4000000000000341",
        "pm_card_chargeCustomerFail",
        "Pays now; charged later, it is declined",
        declines_later="generic_decline",
    ),
    Card("4000000000010001", "pm_card_lateSuccess", "Settles a few seconds later", late="settle"),
    Card("4000000000020000", "pm_card_lateFailure", "Fails a few seconds later", late="fail"),
    Card("4000000000000259", "pm_card_createDispute", "Pays, then is disputed", after="dispute"),
    Card(
        "4000000000001976",
        "pm_card_createDisputeInquiry",
        "Pays, then its bank asks about it (inquiry)",
        after="inquiry",
    ),
    Card(
        "4000000000005423",
        "pm_card_createIssuerFraudRecord",
        "Pays, then an early fraud warning comes",
        after="warning",
    ),
    Card(
        "4000000000007726",
        "pm_card_pendingRefund",
        "Pays; a refund is pending first",
        refunds="pending",
    ),
    Card("4000000000005126", "pm_card_refundFail", "Pays; a refund fails later", refunds="failing"),
)

BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}

DECLINE_MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "authentication_required": "Your bank wants you to confirm this payment yourself.",
}
