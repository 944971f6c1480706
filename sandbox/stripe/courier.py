"""Webhooks on their way: signed, posted, and posted again until the receiver answers 2xx."""

import asyncio
import functools
import hashlib
import hmac
import ssl
from dataclasses import dataclass

import httpx

from sandbox.settings import Settings

from . import events, timers
from .api import Clock, Sleep
from .context import Context
from .store import Database

ROUND_MAX = 100
AT_ONCE_MAX = 8
TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.2

ATTEMPTS_MAX = 40
DELAY_FIRST_SECONDS = 1.0
DELAY_MAX_SECONDS = 60.0
# Longer than a whole round can take when nobody answers. What a killed process was posting is not
# lost with it: `background` posts everything that is waiting when it starts.
LEASE_SECONDS = 150.0


@dataclass(frozen=True)
class Parcel:
    """One webhook to post."""

    delivery: str
    event: str
    attempt: int
    payload: str


def sign(payload: str, secret: str, now: float) -> str:
    """The `Stripe-Signature` header: HMAC-SHA256 over time and payload, scheme v1."""
    stamp = int(now)
    signed = f"{stamp}.{payload}".encode()
    return f"t={stamp},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


async def background(settings: Settings, clock: Clock, pause: Sleep = asyncio.sleep) -> None:
    """Runs until canceled: lets timers ring and posts what is due."""
    database = Database(settings.data)
    _take_up(database, clock())
    while True:
        timers.run_due(database, settings, clock())
        await deliver_due(database, settings, clock)
        await pause(POLL_SECONDS)


def _take_up(database: Database, now: float) -> None:
    """A restart forgets how long the last process meant to wait."""
    with database.transaction() as records:
        records.connection.execute("UPDATE deliveries SET due = ? WHERE state = 'waiting'", (now,))


async def deliver_due(
    database: Database,
    settings: Settings,
    clock: Clock,
    transport: httpx.AsyncBaseTransport | None = None,
) -> int:
    """Posts every event that is due once; returns how many the receiver took."""
    parcels = _claim(database, settings, clock())
    if not parcels:
        return 0
    # Several at once, as Stripe does it: a receiver that cannot take that should show it here.
    gate = asyncio.Semaphore(AT_ONCE_MAX)

    async def run(client: httpx.AsyncClient, parcel: Parcel) -> bool:
        async with gate:
            status, error = await _post(client, settings, parcel, clock())
        # At once, not at the end of the round: a kill in between must not send the others again.
        _note(database, parcel, clock(), status, error)
        return not error

    async with httpx.AsyncClient(
        transport=transport, verify=_trust(), timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        return sum(await asyncio.gather(*(run(client, parcel) for parcel in parcels)))


@functools.cache
def _trust() -> ssl.SSLContext:
    """Read once: loading the certificates takes longer than posting."""
    return ssl.create_default_context()


def _claim(database: Database, settings: Settings, now: float) -> list[Parcel]:
    with database.transaction() as records:
        rows = records.connection.execute(
            "UPDATE deliveries SET attempts = attempts + 1, due = ? WHERE id IN ("
            " SELECT id FROM deliveries WHERE state = 'waiting' AND due <= ?"
            " ORDER BY rowid LIMIT ?) RETURNING rowid, id, event, attempts",
            (now + LEASE_SECONDS, now, ROUND_MAX),
        ).fetchall()
        context = Context(records, settings, now)
        return [
            Parcel(row["id"], row["event"], row["attempts"], events.payload(context, row["event"]))
            for row in sorted(rows, key=lambda row: int(row["rowid"]))
        ]


async def _post(
    client: httpx.AsyncClient, settings: Settings, parcel: Parcel, now: float
) -> tuple[int | None, str]:
    """Status and what went wrong; nothing went wrong when that is empty."""
    # Signed anew for every attempt: receivers refuse a signature that is minutes old.
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": sign(parcel.payload, settings.stripe_webhook_secret, now),
        "User-Agent": "Stripe/1.0 (sandbox)",
    }
    try:
        answer = await client.post(
            settings.stripe_webhook_url, content=parcel.payload, headers=headers
        )
    except httpx.HTTPError as error:
        return None, f"{type(error).__name__}: {error}"
    return answer.status_code, "" if answer.is_success else answer.reason_phrase or "refused"


def _note(database: Database, parcel: Parcel, now: float, status: int | None, error: str) -> None:
    """Writes down how it went, and when to try again."""
    state = events.WAITING if error else events.DELIVERED
    if error and parcel.attempt >= ATTEMPTS_MAX:
        state = events.FAILED
    with database.transaction() as records:
        records.connection.execute(
            "UPDATE deliveries SET state = ?, status = ?, error = ?, due = ? WHERE id = ?",
            (state, status, error or None, now + _delay(parcel.attempt), parcel.delivery),
        )
        event = records.find(parcel.event)
        if event and state == events.DELIVERED:
            records.save(event | {"pending_webhooks": 0})


def _delay(attempt: int) -> float:
    return min(DELAY_FIRST_SECONDS * 2.0 ** (attempt - 1), DELAY_MAX_SECONDS)
