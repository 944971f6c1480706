"""Amounts in the smallest unit of their currency: reading, showing, taxing, and Stripe's fee."""

from .errors import ApiError

# One plain rate stands for every tax there is, so that a total never equals its subtotal by luck.
TAX_PERCENT = 10
AMOUNT_MIN = 50
AMOUNT_MAX = 99_999_999
DISPUTE_FEE = 1500

CURRENCIES = frozenset({"usd", "eur", "gbp", "chf", "cad", "aud", "jpy"})
WITHOUT_CENTS = frozenset({"jpy"})


def currency(code: str, param: str = "currency") -> str:
    """The lower-case code. Raises ApiError for one that the sandbox does not take."""
    if code.lower() not in CURRENCIES:
        known = ", ".join(sorted(CURRENCIES))
        raise ApiError(f"Invalid currency: {code}. The sandbox takes {known}.", param=param)
    return code.lower()


def chargeable(amount: int, param: str = "amount") -> int:
    """The amount. Raises ApiError below or above what a card can be charged."""
    if amount < AMOUNT_MIN:
        message = f"The amount must be at least {AMOUNT_MIN} of the currency's smallest unit."
        raise ApiError(message, code="amount_too_small", param=param)
    if amount > AMOUNT_MAX:
        message = f"The amount must be no more than {AMOUNT_MAX}."
        raise ApiError(message, code="amount_too_large", param=param)
    return amount


def exclusive_tax(net: int) -> int:
    return (net * TAX_PERCENT + 50) // 100


def inclusive_tax(gross: int) -> int:
    return gross - (gross * 100 + (100 + TAX_PERCENT) // 2) // (100 + TAX_PERCENT)


def fee(amount: int) -> int:
    """2.9 % and 30 of the smallest unit, rounded to the nearest unit."""
    return (amount * 29 + 500) // 1000 + 30


def show(amount: int, code: str) -> str:
    """`$25.00`, `EUR 25.00`, `JPY 2500`."""
    sign = "-" if amount < 0 else ""
    amount = abs(amount)
    figure = str(amount) if code in WITHOUT_CENTS else f"{amount // 100:,}.{amount % 100:02d}"
    return f"{sign}${figure}" if code == "usd" else f"{sign}{code.upper()} {figure}"
