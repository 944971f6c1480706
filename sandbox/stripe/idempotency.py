"""Idempotency keys: the first answer of a key is its answer for a day.

Kept in the transaction of the work itself, so that a key either has its effect and its answer or
neither; of two requests at the same moment the second waits, and reads the first one's answer.
"""

import hashlib
import json
from dataclasses import dataclass

from .context import Context
from .errors import ApiError
from .form import Params
from .store import Json

KEY_MAX = 255
KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Answer:
    """What goes back to the caller. `original` names the request whose answer is replayed."""

    status: int
    body: Json
    original: str = ""


def fingerprint(path: str, params: Params) -> str:
    """Equal for two requests exactly when they ask for the same thing."""
    return hashlib.sha256(json.dumps([path, params.tree], sort_keys=True).encode()).hexdigest()


def recall(context: Context, asked: str) -> Answer | None:
    """The answer kept for the key, or None. Raises ApiError for a key with another request."""
    key = context.idempotency_key
    if key is None:
        return None
    if len(key) > KEY_MAX:
        raise ApiError(f"Idempotency keys hold at most {KEY_MAX} characters.")
    _forget_old(context)
    row = context.records.connection.execute(
        "SELECT fingerprint, request_id, status, body FROM answers WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != asked:
        message = f"The idempotency key '{key}' was first used with another request."
        raise ApiError(message, kind="idempotency_error")
    return Answer(row["status"], json.loads(row["body"]), row["request_id"])


def remember(context: Context, asked: str, answer: Answer) -> None:
    if context.idempotency_key is None:
        return
    context.records.connection.execute(
        "INSERT INTO answers (key, fingerprint, request_id, status, body, created)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            context.idempotency_key,
            asked,
            context.request_id,
            answer.status,
            json.dumps(answer.body),
            context.now,
        ),
    )


def _forget_old(context: Context) -> None:
    context.records.connection.execute(
        "DELETE FROM answers WHERE created < ?", (context.now - KEPT_SECONDS,)
    )
