"""What happens by itself when its time has come: late payments, expiry, what banks do."""

import logging
from collections.abc import Callable

from sandbox.settings import Settings

from . import disputes, paying, refunds
from .context import Context
from .errors import ApiError
from .store import Database

ROUND_MAX = 1000

logger = logging.getLogger(__name__)


def run_due(database: Database, settings: Settings, now: float) -> int:
    """Runs every timer that is due, each in its own transaction; returns how many."""
    for done in range(ROUND_MAX):
        with database.transaction() as records:
            row = records.connection.execute(
                "DELETE FROM timers WHERE id = ("
                " SELECT id FROM timers WHERE due <= ? ORDER BY due, id LIMIT 1)"
                " RETURNING action, object, version",
                (now,),
            ).fetchone()
            if row is None:
                return done
            context = Context(records, settings, now, version=row["version"])
            try:
                ACTIONS[row["action"]](context, row["object"])
            except ApiError as overtaken:
                # Things moved on meanwhile. A timer that cannot run must not stop the others.
                logger.info("%s of %s: %s", row["action"], row["object"], overtaken)
    return ROUND_MAX


def _expire(context: Context, session: str) -> None:
    paying.expire(context, context.need("checkout.session", session))


def _settle(context: Context, intent: str) -> None:
    paying.settle(context, intent)


def _fail(context: Context, intent: str) -> None:
    paying.fail(context, intent)


def _dispute(context: Context, charge: str) -> None:
    disputes.open_dispute(context, context.need("charge", charge))


def _inquire(context: Context, charge: str) -> None:
    disputes.open_dispute(context, context.need("charge", charge), inquiry=True)


def _warn(context: Context, charge: str) -> None:
    disputes.warn(context, context.need("charge", charge))


def _refund_succeeds(context: Context, refund: str) -> None:
    refunds.become(context, refund, "succeeded")


def _refund_fails(context: Context, refund: str) -> None:
    refunds.become(context, refund, "failed")


ACTIONS: dict[str, Callable[[Context, str], None]] = {
    "expire": _expire,
    "settle": _settle,
    "fail": _fail,
    "dispute": _dispute,
    "inquiry": _inquire,
    "warning": _warn,
    "refund_succeeds": _refund_succeeds,
    "refund_fails": _refund_fails,
}
