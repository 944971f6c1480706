"""What a job costs: price per second times seconds, exact."""

from collections.abc import Mapping
from typing import Any

from generations.catalog import Model


def quote(model: Model, inputs: Mapping[str, Any]) -> int:
    """Return the price in micro-dollars of inputs that `model.clean` has accepted."""
    micros_per_second = model.micros_per_second[inputs["resolution"]]
    seconds: int = inputs["duration"]
    return micros_per_second * seconds
