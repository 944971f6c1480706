"""One API request: who asks, which key, what it does, what it answers."""

import hmac
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.settings import Settings

from . import faults, timers
from .context import API_VERSION, Context, fresh
from .errors import ApiError, unauthorized
from .expand import expand
from .form import Params, decode
from .idempotency import Answer, fingerprint, recall, remember
from .store import Database, Json

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]
Endpoint = Callable[..., Json]

BODY_BYTES_MAX = 1_000_000
VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")


class Api:
    """Turns endpoints `(context, params, *ids) -> object` into routes."""

    def __init__(self, settings: Settings, clock: Clock, database: Database) -> None:
        self.settings = settings
        self.clock = clock
        self.database = database

    def route(self, method: str, path: str, endpoint: Endpoint) -> Route:
        async def handle(request: Request) -> Response:
            body = await request.body()
            return self.respond(request, endpoint, body)

        return Route(path, handle, methods=[method], name=f"{method} {path}")

    def respond(self, request: Request, endpoint: Endpoint, body: bytes) -> Response:
        """Nothing in here waits for anything but the database, so requests cannot interleave."""
        request_id = fresh("req", 14)
        try:
            version = self.admit(request)
            params = _params(request, body)
            # The background does this too; here it makes the clock alone decide what is true now.
            timers.run_due(self.database, self.settings, self.clock())
            answer = self._perform(request, endpoint, params, version, request_id)
        except ApiError as error:
            version = request.headers.get("stripe-version", API_VERSION)
            answer = Answer(error.status, {"error": error.body})
        headers = {"Request-Id": request_id, "Stripe-Version": version}
        key = request.headers.get("idempotency-key")
        headers |= {"Idempotency-Key": key} if key else {}
        if answer.original:
            headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.original}
        return JSONResponse(answer.body, answer.status, headers)

    def admit(self, request: Request) -> str:
        """The API version that the caller speaks. Raises ApiError for a wrong key or version."""
        offered = _key(request.headers.get("authorization", ""))
        if not offered:
            raise unauthorized("No API key was sent: send it as a bearer token.")
        if not hmac.compare_digest(offered.encode(), self.settings.stripe_secret_key.encode()):
            raise unauthorized(f"Invalid API key: {offered[:7]}****{offered[-4:]}")
        version = request.headers.get("stripe-version", API_VERSION)
        if not VERSION.fullmatch(version):
            raise ApiError(f"Invalid Stripe API version: {version}")
        return version

    def lets_in(self, request: Request) -> bool:
        try:
            self.admit(request)
        except ApiError:
            return False
        return True

    def _perform(
        self, request: Request, endpoint: Endpoint, params: Params, version: str, request_id: str
    ) -> Answer:
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        with self.database.transaction() as records:
            context = Context(records, self.settings, self.clock(), version, request_id, key)
            asked = fingerprint(request.url.path, params)
            known = recall(context, asked)
            if known:
                return known
            # After the replay: Stripe answers a known key even while it is in trouble.
            fault = faults.strike(context, request.url.path)
            if fault and not fault.effect:
                return self._broken(context, asked, fault)
            answer, remembered = _execute(context, endpoint, params, request.path_params)
            if remembered:
                remember(context, asked, answer)
            return replace(answer, status=fault.status, body=fault.body) if fault else answer

    def _broken(self, context: Context, asked: str, fault: faults.Fault) -> Answer:
        answer = Answer(fault.status, fault.body)
        if fault.remembered:
            remember(context, asked, answer)
        return answer


def _execute(
    context: Context, endpoint: Endpoint, params: Params, ids: dict[str, Any]
) -> tuple[Answer, bool]:
    """The answer, and whether it is the key's answer from now on."""
    connection = context.records.connection
    connection.execute("SAVEPOINT endpoint")
    try:
        paths = params.texts("expand")
        body = endpoint(context, params, *ids.values())
        # Only now is it known what the endpoint takes; a stray parameter undoes what it did.
        params.finish()
        answer, remembered = Answer(200, expand(context, body, paths)), True
    except ApiError as error:
        # The answer is kept even where the work is not, so the transaction itself goes on.
        if not error.keeps_effects:
            connection.execute("ROLLBACK TO endpoint")
        answer, remembered = Answer(error.status, {"error": error.body}), error.remembered
    connection.execute("RELEASE endpoint")
    return answer, remembered


def _params(request: Request, body: bytes) -> Params:
    if len(body) > BODY_BYTES_MAX:
        raise ApiError("The request is too large.", status=413)
    query = request.url.query
    try:
        return Params(decode(body.decode() if request.method == "POST" else query))
    except ValueError as error:
        raise ApiError("The request body is not form-encoded text.") from error


def _key(authorization: str) -> str:
    """The secret of a bearer token, or the user name of basic authentication."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    try:
        return b64decode(value).decode().partition(":")[0] if scheme.lower() == "basic" else ""
    except (NotBase64, UnicodeDecodeError):
        return ""
