"""Balance transactions: the money itself, one row for everything that moved it."""

from .context import Context, fresh
from .form import Params
from .listing import listing
from .store import Json

# A dispute moves money under the type `adjustment`; the rest are called like their category.
TYPES = {"dispute": "adjustment", "dispute_reversal": "adjustment"}

AVAILABLE_AFTER_SECONDS = 2 * 24 * 3600


def book(
    context: Context, category: str, amount: int, source: Json, fee: int = 0, note: str = ""
) -> Json:
    """Moves `amount` (negative: out of the balance). `category` is Stripe's reporting category."""
    currency = source["currency"]
    charged = {
        "amount": fee,
        "application": None,
        "currency": currency,
        "description": "Sandbox processing fee",
        "type": "stripe_fee",
    }
    return context.records.insert(
        {
            "id": fresh("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": context.second + AVAILABLE_AFTER_SECONDS,
            "balance_type": "payments",
            "created": context.second,
            "currency": currency,
            "description": note or source.get("description"),
            "exchange_rate": None,
            "fee": fee,
            "fee_details": [charged] if fee else [],
            "net": amount - fee,
            "reporting_category": category,
            "source": source["id"],
            "status": "pending",
            "type": TYPES.get(category, category),
        }
    )


def show(context: Context, _params: Params, identity: str) -> Json:
    return context.need("balance_transaction", identity)


def index(context: Context, params: Params) -> Json:
    filters = ("currency", "source", "type")
    return listing(context, params, "balance_transaction", "/v1/balance_transactions", filters)
