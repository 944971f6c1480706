"""Submit, result, history and removal of predictions."""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from sandbox.settings import Settings
from sandbox.wavespeed import catalog, magic
from sandbox.wavespeed.answers import RefusalError, json_body, keyed, moment_of, success
from sandbox.wavespeed.catalog import Model
from sandbox.wavespeed.prediction import (
    KEPT_SECONDS,
    Prediction,
    result,
    submitted,
    sync_timed_out,
)
from sandbox.wavespeed.schema import Properties, resolve
from sandbox.wavespeed.store import Store
from sandbox.wavespeed.studio import Studio

SYNC_SECONDS_MAX = 90
MINUTE_SECONDS = 60
WEBHOOK_CHARACTERS_MAX = 2000
OVER_LIMIT = "You have reached your concurrency limit"
NO_CREDIT = "Insufficient credits. Please top up your account to continue."
GATEWAY_TIMEOUT = "<html><head><title>504 Gateway Time-out</title></head><body></body></html>"

Item = TypeVar("Item")

PAGES: Properties = {
    "page": {"type": "integer", "minimum": 1, "default": 1},
    "page_size": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
}
_HISTORY: Properties = PAGES | {
    "model": {"type": "string"},
    "status": {"type": "string"},
    "created_after": {"type": "string"},
    "created_before": {"type": "string"},
    "include_inputs": {"type": "boolean", "default": False},
}
_REMOVAL: Properties = {"ids": {"type": "array"}}


@dataclass(frozen=True)
class Predictions:
    """The routes under which jobs are placed and looked at."""

    settings: Settings
    clock: Callable[[], float]
    store: Store
    studio: Studio

    def routes(self) -> list[Route]:
        """`submission` is apart: its path takes whatever the others leave."""
        key = self.settings.wavespeed_api_key
        path = "/api/v3/predictions"
        return [
            Route(path, keyed(key, self._list), methods=["POST"]),
            Route(f"{path}/delete", keyed(key, self._remove), methods=["POST"]),
            Route(f"{path}/{{id}}", keyed(key, self._show)),
            Route(f"{path}/{{id}}/result", keyed(key, self._show)),
            Route("/_sandbox/predictions", self._reveal),
        ]

    def submission(self) -> Route:
        """POST /api/v3/{model}"""
        submit = keyed(self.settings.wavespeed_api_key, self._submit)
        return Route("/api/v3/{model:path}", submit, methods=["POST"])

    async def _submit(self, request: Request) -> Response:
        model = catalog.find(request.path_params["model"])
        inputs = model.resolved(await json_body(request))
        # No input of the model: the upstream does not show it either.
        in_sync = inputs.pop("enable_sync_mode")
        prediction = self._drafted(model, inputs, _webhook(request))
        self._judge(prediction)
        # Before any answer, so that a caller who hangs up has paid, as upstream.
        self.studio.accept(prediction)
        if "[lost]" in prediction.words:
            return HTMLResponse(GATEWAY_TIMEOUT, 504)
        if in_sync:
            return await self._answer_in_sync(prediction)
        return success(submitted(prediction, self.settings.url))

    def _drafted(self, model: Model, inputs: dict[str, Any], webhook: str) -> Prediction:
        now = self.clock()
        words = magic.spoken(inputs["prompt"])
        seconds = self.settings.job_seconds * (magic.SLOWNESS if "[slow]" in words else 1)
        return Prediction(
            id=secrets.token_hex(16),
            model=model.id,
            input=inputs,
            webhook=webhook,
            words=words,
            price_micros=model.price_micros(inputs),
            created_at=now,
            due_at=None if "[stuck]" in words else now + seconds,
        )

    def _judge(self, prediction: Prediction) -> None:
        """Refuses for a magic word, a limit or the want of money; nothing has been taken yet."""
        if self._refused(prediction, "[500]"):
            raise RefusalError(500, "Internal server error.")
        if self._refused(prediction, "[429]") or self._over_limit():
            raise RefusalError(429, OVER_LIMIT)
        # Asked last: a tester without money sees the other faults too.
        short = self.store.balance_micros() < prediction.price_micros
        if self._refused(prediction, "[broke]") or short:
            raise RefusalError(400, NO_CREDIT)

    def _refused(self, prediction: Prediction, word: str) -> bool:
        if word not in prediction.words:
            return False
        asked = json.dumps([word, prediction.input.get("image"), prediction.input["prompt"]])
        submission = hashlib.sha256(asked.encode()).hexdigest()
        return self.store.refuse(submission, magic.REFUSALS[word])

    def _over_limit(self) -> bool:
        at_once, per_minute = self.settings.concurrency, self.settings.per_minute
        if at_once and self.store.count_running() >= at_once:
            return True
        since = self.clock() - MINUTE_SECONDS
        return bool(per_minute) and self.store.count(since) >= per_minute

    async def _answer_in_sync(self, prediction: Prediction) -> Response:
        ended = await self.studio.wait(prediction, SYNC_SECONDS_MAX)
        now, server = self.clock(), self.settings.url
        if not ended.status:
            return success(sync_timed_out(ended, server, now, SYNC_SECONDS_MAX))
        return success(result(ended, server, now))

    async def _show(self, request: Request) -> Response:
        prediction = self.store.find(request.path_params["id"])
        too_old = self.clock() - KEPT_SECONDS
        if prediction is None or prediction.removed or prediction.created_at < too_old:
            raise RefusalError(404, "Prediction not found.")
        settled = await self.studio.settled(prediction)
        return success(result(settled, self.settings.url, self.clock()))

    async def _list(self, request: Request) -> Response:
        asked = resolve(await json_body(request), _HISTORY)
        now = self.clock()
        # What is due ends first: the filters speak of statuses.
        kept = [await self.studio.settled(one) for one in self.store.newest(now - KEPT_SECONDS)]
        found = [one for one in kept if _matches(one, asked, now)]
        items = [self._listed(one, now, asked) for one in paged(found, asked)]
        return success({"page": asked["page"], "items": items})

    def _listed(self, prediction: Prediction, now: float, asked: dict[str, Any]) -> dict[str, Any]:
        shown = result(prediction, self.settings.url, now)
        return shown | ({"input": prediction.input} if asked["include_inputs"] else {})

    async def _remove(self, request: Request) -> Response:
        """Removes what is over; skips the rest and the unknown."""
        asked = resolve(await json_body(request), _REMOVAL, ("ids",))
        removed = 0
        for prediction_id in asked["ids"]:
            prediction = self.store.find(str(prediction_id))
            if prediction is None or prediction.removed or not prediction.status:
                continue
            # Bills still refer to it, so its row stays.
            prediction.removed = True
            self.store.save(prediction)
            self.studio.media.output_path(prediction.id).unlink(missing_ok=True)
            removed += 1
        return success({"deleted_count": removed})

    async def _reveal(self, _request: Request) -> Response:
        """For tests: every accepted job, oldest first, with inputs and webhook deliveries."""
        now = self.clock()
        jobs = [asdict(one) | {"status": one.status_at(now)} for one in self.store.newest()]
        return JSONResponse({"predictions": jobs[::-1]})


def paged(items: list[Item], asked: dict[str, Any]) -> list[Item]:
    """The page that was asked for."""
    start = (asked["page"] - 1) * asked["page_size"]
    return items[start : start + asked["page_size"]]


def _webhook(request: Request) -> str:
    """The address asked for, "" for none. Plain http is taken too: a stand-in has no TLS."""
    url = request.query_params.get("webhook", "")
    if url and (not url.startswith(("http://", "https://")) or len(url) > WEBHOOK_CHARACTERS_MAX):
        raise RefusalError(400, "Invalid webhook URL.")
    return url


def _matches(prediction: Prediction, asked: dict[str, Any], now: float) -> bool:
    if prediction.removed or asked.get("model", prediction.model) != prediction.model:
        return False
    status = prediction.status_at(now)
    if asked.get("status", status) != status:
        return False
    return within(prediction.created_at, asked, "created_after", "created_before")


def within(moment: float, asked: dict[str, Any], after: str, before: str) -> bool:
    """Whether the moment lies between two optional dates, both included."""
    if after in asked and moment < moment_of(asked[after], after):
        return False
    return before not in asked or moment <= moment_of(asked[before], before)
