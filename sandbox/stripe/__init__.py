"""A stand-in for Stripe: its API under /v1, a payable checkout page under /pay. No money moves.

The official SDK talks to it through `base_addresses={"api": settings.url}`. It keeps the protocol
of API version `context.API_VERSION`; a parameter it does not know is refused, never skipped. State
lives in one SQLite file under `settings.data` and survives a restart, webhooks included.

`app` composes `routes(settings, clock)` and runs `background(settings, clock)` for as long as it
serves: that is what delivers webhooks and lets late payments settle by the clock.

Beyond Stripe's own API there is a control surface, with the same key and form-encoded bodies:

| call | does |
|---|---|
| `POST /v1/_sandbox/work` | does what is due by the clock now: timers, then one round of webhooks |
| `POST /v1/_sandbox/hold` `held=true` or `false` | holds new webhooks back, or lets all go |
| `GET /v1/_sandbox/deliveries` | lists deliveries, newest first; filters `event`, `state` |
| `POST /v1/_sandbox/events/{event}/deliver` | sends an event (again), held back or not |
| `GET /v1/_sandbox/events/{event}/signed` | `payload` and `signature`, to post it yourself |
| `POST /v1/_sandbox/payments/{pi, cs or ch}/settle` or `/fail` | ends a late payment now |
| `POST /v1/_sandbox/payments/{pi, cs or ch}/dispute` `amount`, `reason`, `inquiry` | disputes it |
| `POST /v1/_sandbox/payments/{pi, cs or ch}/warn` `fraud_type` | early fraud warning |
| `POST /v1/_sandbox/disputes/{dispute}` `status` | `won`, `lost`, `under_review`, ... |
| `POST /v1/_sandbox/refunds/next` `status` | how refunds begin: `succeeded` or `pending` |
| `POST /v1/_sandbox/refunds/{refund}` `status` | `pending`, `succeeded`, `failed`, `canceled` |
| `POST /v1/_sandbox/faults` `path`, `status`, `effect`, `times` | breaks the next requests |

`cards.CARDS` lists the test cards; the checkout page shows them too. Automatic tax is always
`money.TAX_PERCENT`, and fees are 2.9 % + 0.30 as a plain figure to reconcile against.
"""

import time

import httpx
from starlette.routing import BaseRoute

from sandbox.settings import Settings

from .api import Clock
from .courier import background
from .table import table

__all__ = ["background", "routes"]


def routes(
    settings: Settings,
    clock: Clock = time.time,
    transport: httpx.AsyncBaseTransport | None = None,
) -> list[BaseRoute]:
    """The stand-in's routes: /v1 and /pay. `clock` gives seconds since the epoch.

    `transport` replaces the network for webhooks sent by `POST /v1/_sandbox/work`.
    """
    return table(settings, clock, transport)
