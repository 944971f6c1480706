"""Breaking requests on purpose, so that tests can see what a caller makes of it.

`effect=none`: nothing was done and nothing is remembered (an overload, a rate limit).
`effect=remembered`: nothing was done, and the key replays the error for a day, as Stripe's 500 do.
`effect=done`: the work was done, only its answer was lost; the key replays the true answer.
"""

from dataclasses import dataclass

from .context import Context
from .form import Params
from .store import Json

SWITCH = "faults"
TIMES_MAX = 1000


@dataclass(frozen=True)
class Fault:
    status: int
    effect: bool
    remembered: bool

    @property
    def body(self) -> Json:
        kind = "rate_limit_error" if self.status == 429 else "api_error"
        code = {"code": "rate_limit"} if self.status == 429 else {}
        message = "The sandbox was told to break this request."
        return {"error": {"message": message, "type": kind, **code}}


def arrange(context: Context, params: Params) -> Json:
    """`POST /v1/_sandbox/faults`: the next requests whose path contains `path` break."""
    effect = params.choice("effect", "none", "remembered", "done") or "none"
    fault = {
        "path": params.need("path"),
        "status": params.whole("status") or 500,
        "effect": effect,
        "times": min(params.whole("times") or 1, TIMES_MAX),
    }
    context.records.turn(SWITCH, fault)
    return fault


def strike(context: Context, path: str) -> Fault | None:
    """The fault that this request meets, counted down. Control calls meet none."""
    fault = context.records.switch(SWITCH)
    if not fault or fault["path"] not in path or path.startswith("/v1/_sandbox"):
        return None
    left = fault["times"] - 1
    context.records.turn(SWITCH, fault | {"times": left} if left else None)
    return Fault(fault["status"], fault["effect"] == "done", fault["effect"] == "remembered")
