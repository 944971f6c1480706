"""Films for the tests of the gallery: rows of the table alone, without money and files."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Account
from generations import catalog
from generations.models import Generation
from tests.generations import stage

START = datetime(2026, 3, 1, 12, tzinfo=timezone.get_default_timezone())


def film(account: Account, prompt: str = "", **fields: Any) -> Generation:
    """Return a film that is not in the table yet; `resolution` and `seconds` are what was asked."""
    asked = {"resolution": fields.pop("resolution", "720p"), "duration": fields.pop("seconds", 3)}
    known = {
        "account": account,
        "model": catalog.IMAGE_TO_VIDEO.id,
        "inputs": {**stage.SHORT, "prompt": prompt, "seed": -1, **asked},
        "price_micros": 1,
        "status": Generation.Status.COMPLETED,
        "finished_at": START,
        "video": "film.mp4",
        "upstream_id": uuid4().hex,
    }
    return Generation(**{**known, **fields})


def hang(account: Account, *films: dict[str, Any]) -> list[Generation]:
    """Put films into the table, each a minute younger than the one before."""
    rows = [
        film(account, **{"created_at": START + timedelta(minutes=number), **fields})
        for number, fields in enumerate(films)
    ]
    return Generation.objects.bulk_create(rows)


def shown(markup: str) -> list[str]:
    """Return the ids of the films whose cards are on the page, from top to bottom."""
    return re.findall(r'<a href="/films/([0-9a-f-]{36})"', markup)
