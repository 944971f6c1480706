"""Jobs are ordered here: hold, cap, job and kept answer in one statement, which is one commit.

Orders of one process that come for the same account while another is being written wait for each
other anyway, for the account's row. So they are written together, by one of the waiting threads:
each has an outcome of its own, and a refusal of one is no concern of its neighbours. What is
written stands in the function generations_request_job.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection

from billing import caps, ledger
from config import statements
from generations import idempotency
from generations.models import Generation

_WRITE = """
SELECT written.outcome, written.available, written.kept_answer, written.top_up
FROM jsonb_array_elements(%(jobs)s::jsonb) WITH ORDINALITY AS one (job, nth),
     LATERAL generations_request_job(%(account)s, one.job) AS written
ORDER BY nth
"""


@dataclass(frozen=True)
class Order:
    """A job to be written, and under which Idempotency-Key its answer is to be kept, if any."""

    generation: Generation
    once: idempotency.Once | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What the database is told."""
        job = self.generation
        facts = {
            "id": job.id.hex,
            "user": job.user_id,
            "api_key": job.api_key_id,
            "test": job.test,
            "model": job.model,
            "inputs": job.inputs,
            "price_micros": job.price_micros,
            "upload": job.upload_id and job.upload_id.hex,
            "webhook": job.webhook,
            "created_at": job.created_at.isoformat(),
            "reference": job.hold_reference,
            "memo": job.memo,
        }
        return facts if self.once is None else {**facts, **vars(self.once)}


@dataclass(frozen=True)
class Written:
    """What came of an order: how it ended, and what there was to spend then, in micro-dollars."""

    outcome: str
    available_micros: int
    kept_answer: str | None
    top_up: bool


@dataclass
class _Turn:
    """An order that waits to be written, by its own thread or by another."""

    order: Order
    # Set when there is something to do for the thread that waits.
    called: threading.Event = field(default_factory=threading.Event)
    # The orders that this thread has to write, its own among them.
    to_write: list["_Turn"] | None = None
    written: Written | DatabaseError | None = None


_lock = threading.Lock()
# Who waits for each account whose orders are being written at this moment.
_waiting: dict[UUID, list[_Turn]] = {}


def place(order: Order) -> tuple[dict[str, Any] | None, bool]:
    """Write the order; return the answer kept of an earlier one, and whether to top up now.

    Raises ledger.InsufficientCredit, ledger.AccountFrozen, caps.CapReached or
    idempotency.NameTaken, and then leaves no trace.
    """
    # Within a transaction nobody else's order may depend on how that ends.
    written = _write([order])[0] if connection.in_atomic_block else _write_together(order)
    job = order.generation
    match written.outcome:
        case "held":
            return None, written.top_up
        case "repeated":
            assert written.kept_answer is not None, "an answer is kept with its job"
            return json.loads(written.kept_answer), False
        case "taken":
            raise idempotency.NameTaken
        case "frozen":
            raise ledger.AccountFrozen
        case "short":
            raise ledger.InsufficientCredit(job.price_micros, written.available_micros)
    assert job.api_key is not None, "only a key has a cap"
    raise caps.refusal(job.api_key, job.price_micros, job.created_at)


def _write(orders: Sequence[Order]) -> list[Written]:
    """Write orders of one account. Raises DatabaseError, and then nothing of them is written."""
    account = orders[0].generation.account_id
    jobs = json.dumps([order.facts for order in orders])
    return [Written(*row) for row in statements.rows(_WRITE, {"jobs": jobs, "account": account})]


def _write_together(order: Order) -> Written:
    turn = _Turn(order)
    account = order.generation.account_id
    with _lock:
        if account in _waiting:
            _waiting[account].append(turn)
        else:
            _waiting[account] = []
            turn.to_write = [turn]
            turn.called.set()
    turn.called.wait()
    if turn.to_write is not None:
        try:
            _write_turns(turn.to_write)
        finally:
            _hand_on(account, turn)
    if isinstance(turn.written, DatabaseError):
        raise turn.written
    assert turn.written is not None
    return turn.written


def _write_turns(turns: Sequence[_Turn]) -> None:
    """Note on each turn what came of it."""
    try:
        for turn, written in zip(turns, _write([one.order for one in turns]), strict=True):
            turn.written = written
    except OperationalError as error:
        # Nobody knows whether it was written: whoever asked may ask again with the same name.
        _note_all(turns, error)
    except DatabaseError as error:
        if len(turns) == 1:
            _note_all(turns, error)
        else:
            # One of them cannot be written, so none was: now each by itself.
            for turn in turns:
                _write_turns([turn])


def _note_all(turns: Sequence[_Turn], error: DatabaseError) -> None:
    for turn in turns:
        turn.written = error


def _hand_on(account: UUID, done: _Turn) -> None:
    """Release those whose orders are written, and call the next to write what has come since."""
    with _lock:
        come = _waiting[account]
        if come:
            _waiting[account] = []
            come[0].to_write = come
        else:
            del _waiting[account]
    for turn in come[:1] + (done.to_write or []):
        turn.called.set()
