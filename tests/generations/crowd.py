"""A crowd in front of the upstream for the tests of the line: jobs made in bulk, without money.

Beside it stands the fair rule in plain Python, one place at a time: the account with the fewest
running goes first, among equals the one served longest ago, and each account's oldest job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from accounts.models import Account
from generations import catalog
from generations.models import Generation, Turn
from tests.generations import stage

Status = Generation.Status


@dataclass(frozen=True)
class Party:
    """One account: how many jobs wait and run, and how many minutes ago it was served last."""

    waiting: int
    running: int = 0
    served: int | None = None


def job(account: Account, **fields: Any) -> Generation:
    """Return a job that is not in the table yet, waiting unless told otherwise."""
    inputs = {**stage.SHORT, "prompt": "", "seed": -1}
    model = catalog.IMAGE_TO_VIDEO.id
    known = {"account": account, "model": model, "inputs": inputs, "price_micros": 1}
    return Generation(**{**known, **fields})


def gather(parties: Sequence[Party]) -> list[Account]:
    """Fill the tables with these accounts and their jobs, each job a second younger."""
    now = timezone.now()
    people = Account.objects.bulk_create([Account(name=f"party {n}") for n in range(len(parties))])
    jobs = []
    for account, party in zip(people, parties, strict=True):
        ages = [now - timedelta(seconds=party.waiting - n) for n in range(party.waiting)]
        jobs += [job(account, created_at=at) for at in ages]
        jobs += [running(account, now) for _ in range(party.running)]
        if party.served is not None:
            served_at = now - timedelta(minutes=party.served)
            Turn.objects.create(account=account, served_at=served_at)
    Generation.objects.bulk_create(jobs)
    return people


def running(account: Account, since: datetime) -> Generation:
    """Return a job that has been upstream since then, not in the table yet."""
    name = uuid4().hex
    return job(account, status=Status.PROCESSING, upstream_id=name, submitted_at=since)


def finished(account: Account, seconds: float, **fields: Any) -> Generation:
    """Make a job that ended just now and ran for so long."""
    now = timezone.now()
    ran = {"submitted_at": now - timedelta(seconds=seconds), "finished_at": now}
    done = {"status": Status.COMPLETED, "video": "film.mp4", "upstream_id": uuid4().hex}
    made = job(account, **{**ran, **done, **fields})
    made.save(force_insert=True)
    return made


def dealt_one_by_one(parties: Sequence[Party], people: Sequence[Account]) -> list[tuple[UUID, int]]:
    """Return whose job gets each place in turn: the account's id, and which of its own jobs."""
    left = [party.waiting for party in parties]
    busy = [party.running for party in parties]
    # Never served is longest ago; who is served now is served later than everyone before.
    served = [-1_000_000 if party.served is None else -party.served for party in parties]
    order = []
    for moment in range(1, sum(left) + 1):
        hungry = (n for n in range(len(parties)) if left[n])
        chosen = min(hungry, key=lambda n: (busy[n], served[n], people[n].pk))
        order.append((people[chosen].pk, parties[chosen].waiting - left[chosen]))
        left[chosen] -= 1
        busy[chosen] += 1
        served[chosen] = moment
    return order
