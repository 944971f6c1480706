"""What a job costs: price per second times seconds, exact, and no second that was not delivered."""

from collections.abc import Mapping
from typing import Any

from generations.catalog import Model


def quote(model: Model, inputs: Mapping[str, Any]) -> int:
    """Return the price in micro-dollars of inputs that `model.clean` has accepted."""
    micros_per_second = model.micros_per_second[inputs["resolution"]]
    seconds: int = inputs["duration"]
    return micros_per_second * seconds


def whole_seconds(duration_ms: int) -> int:
    """Return the length that is paid for: the nearest whole second, the lower of two, at least 1.

    Encoders cut a film a frame or two short of what was asked: that is no shortfall.
    """
    return max(1, (duration_ms + 499) // 1000)


def shortfall(price_micros: int, asked_seconds: int, duration_ms: int) -> int:
    """Return what comes back, in micro-dollars, of the price of a film that came out shorter.

    `price_micros` is what `quote` said for `asked_seconds`. A longer film costs no more.
    """
    missing = asked_seconds - whole_seconds(duration_ms)
    return max(0, missing) * (price_micros // asked_seconds)
