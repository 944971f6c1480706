"""The account's money and models: balance, bills, usage, prices, the webhook secret."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.settings import Settings
from sandbox.wavespeed import catalog
from sandbox.wavespeed.answers import date_long, dollars, json_body, keyed, success
from sandbox.wavespeed.prediction import Prediction
from sandbox.wavespeed.predictions import PAGES, paged, within
from sandbox.wavespeed.schema import Properties, resolve
from sandbox.wavespeed.store import Bill, Store
from sandbox.wavespeed.studio import Studio

_PRICE: Properties = {"model_id": {"type": "string"}, "inputs": {"type": "object", "default": {}}}
_BILLS: Properties = PAGES | {
    "billing_type": {"type": "string", "enum": ["deduct", "refund"]},
    "prediction_uuids": {"type": "array"},
    "start_time": {"type": "string"},
    "end_time": {"type": "string"},
}
_USAGE: Properties = {
    "start_time": {"type": "string"},
    "end_time": {"type": "string"},
    "model_uuid": {"type": "string"},
}


@dataclass
class Tally:
    """What a group of predictions came to."""

    cost_micros: int = 0
    requests: int = 0
    successes: int = 0

    def add(self, prediction: Prediction, cost_micros: int) -> None:
        """Counts one more."""
        self.cost_micros += cost_micros
        self.requests += 1
        self.successes += prediction.status == "completed"

    def shown(self) -> dict[str, Any]:
        """As usage answers carry it."""
        return {
            "total_cost": dollars(self.cost_micros),
            "total_requests": self.requests,
            "success_requests": self.successes,
        }


@dataclass
class Usage:
    """Tallies of the same predictions by model, by day and in all."""

    by_model: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_day: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    summary: Tally = field(default_factory=Tally)

    def add(self, prediction: Prediction, cost_micros: int) -> None:
        """Counts one more."""
        day = date_long(prediction.created_at)[:10]
        for tally in (self.by_model[prediction.model], self.by_day[day], self.summary):
            tally.add(prediction, cost_micros)

    def shown(self) -> dict[str, Any]:
        """The data of POST /user/usage_stats."""
        return {
            "per_model_usage": [
                {"model_uuid": model} | tally.shown() for model, tally in self.by_model.items()
            ],
            "daily_usage": [{"date": day} | tally.shown() for day, tally in self.by_day.items()],
            "summary": self.summary.shown(),
        }


@dataclass(frozen=True)
class Account:
    """The routes about the one account of this stand-in."""

    settings: Settings
    clock: Callable[[], float]
    store: Store
    studio: Studio

    def routes(self) -> list[Route]:
        """All of them need the API key."""
        key = self.settings.wavespeed_api_key
        return [
            Route("/api/v3/balance", keyed(key, self._balance)),
            Route("/api/v3/models", keyed(key, self._models)),
            Route("/api/v3/model/price", keyed(key, self._price), methods=["POST"]),
            Route("/api/v3/billings/search", keyed(key, self._bills), methods=["POST"]),
            Route("/api/v3/user/usage_stats", keyed(key, self._usage), methods=["POST"]),
            Route("/api/v3/webhook/secret", keyed(key, self._secret)),
        ]

    async def _balance(self, _request: Request) -> Response:
        return success({"balance": dollars(self.store.balance_micros())})

    async def _models(self, _request: Request) -> Response:
        return success([model.listed(self.settings.url) for model in catalog.MODELS.values()])

    async def _secret(self, _request: Request) -> Response:
        return success({"secret": self.studio.webhook_secret()})

    async def _price(self, request: Request) -> Response:
        """Prices need the inputs that cost, not a whole submission."""
        asked = resolve(await json_body(request), _PRICE, ("model_id",))
        model = catalog.find(asked["model_id"])
        # The picture may not exist yet when a price is asked.
        costly = {
            name: value
            for name, value in asked["inputs"].items()
            if name in ("resolution", "duration")
        }
        price = dollars(model.price_micros(resolve(costly, model.properties)))
        return success(
            {
                "model_id": model.id,
                "price": price,
                "discounted_price": price,
                "discount_rate": 100,
                "currency": "USD",
            }
        )

    async def _bills(self, request: Request) -> Response:
        asked = resolve(await json_body(request), _BILLS)
        found = [bill for bill in self.store.bills() if _matches(bill, asked)]
        items = [self._billed(bill) for bill in paged(found, asked)]
        return success({"page": asked["page"], "total": len(found), "items": items})

    def _billed(self, bill: Bill) -> dict[str, Any]:
        prediction = self.store.find(bill.prediction_id)
        # Bills outlive what they were for.
        status = prediction.status_at(self.clock()) if prediction else "deleted"
        running = status in ("created", "processing")
        return {
            "uuid": bill.uuid,
            "billing_type": bill.kind,
            "price": dollars(bill.price_micros),
            "created_at": date_long(bill.created_at),
            "order": {"state": "pre" if running else "done"},
            "prediction": {"uuid": bill.prediction_id, "status": status},
        }

    async def _usage(self, request: Request) -> Response:
        """Refunded predictions count as requests that cost nothing."""
        asked = resolve(await json_body(request), _USAGE)
        # Read once for all predictions, not once for each.
        refunded = {bill.prediction_id for bill in self.store.bills() if bill.kind == "refund"}
        usage = Usage()
        for prediction in self.store.newest():
            if asked.get("model_uuid", prediction.model) == prediction.model and within(
                prediction.created_at, asked, "start_time", "end_time"
            ):
                cost = 0 if prediction.id in refunded else prediction.price_micros
                usage.add(prediction, cost)
        return success(usage.shown())


def _matches(bill: Bill, asked: dict[str, Any]) -> bool:
    if asked.get("billing_type", bill.kind) != bill.kind:
        return False
    if asked.get("prediction_uuids") and bill.prediction_id not in asked["prediction_uuids"]:
        return False
    return within(bill.created_at, asked, "start_time", "end_time")
