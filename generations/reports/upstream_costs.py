"""What the upstream charges: its prices and bills, asked for and kept. Repeating it is harmless.

Source: `POST /model/price` and `POST /billings/search` of WaveSpeed's API v3. It bills a job when
it is submitted and gives a failed one's charge back by a second row, within about three hours.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self

import httpx
from django.conf import settings
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from billing.money import MICROS_PER_DOLLAR
from generations import catalog
from generations.models import Generation
from generations.reports.models import UpstreamBill, UpstreamPrice

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
PAGE_SIZE = 100
PAGES_MAX = 500
# Bills are read in slices of time, oldest first, so that what was read says how far we are.
SLICE = timedelta(hours=1)
FIRST_READING = timedelta(days=7)
# A refund is billed at its own time, so later than this nothing is new; twice that is safe.
OVERLAP = timedelta(hours=6)
PRICE_SECONDS = 5

_ATTACH = """
UPDATE reports_upstreambill AS bill SET generation_id = job.id
FROM generations_generation AS job
WHERE bill.generation_id IS NULL AND job.upstream_id = bill.upstream_id
"""


class CostsUnread(Exception):
    """The upstream's prices or bills could not be read; what was read before is kept."""


@dataclass(frozen=True)
class Bill:
    """One row of the upstream's bills, in micro-dollars."""

    id: str
    sort: str
    micros: int
    upstream_id: str
    billed_at: datetime

    @classmethod
    def parse(cls, item: Any) -> Self:
        """Read a row. Raises CostsUnread: what cannot be read must not look free."""
        try:
            billed_at = datetime.fromisoformat(item["created_at"])
            return cls(
                id=str(item["uuid"]),
                sort=UpstreamBill.Sort(item["billing_type"]).value,
                micros=micros_of(item["price"]),
                upstream_id=str(item["prediction"]["uuid"]),
                billed_at=billed_at if billed_at.tzinfo else billed_at.replace(tzinfo=UTC),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CostsUnread(f"A bill makes no sense: {str(item)[:200]}") from error


class Till:
    """A way to the upstream's prices and bills; use it as a context manager."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=f"{settings.WAVESPEED_BASE_URL}/api/v3",
            headers={"Authorization": f"Bearer {settings.WAVESPEED_API_KEY}"},
            timeout=TIMEOUT,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def price_micros(self, model: str, inputs: dict[str, Any]) -> int:
        """Return what a job would cost us. Raises CostsUnread."""
        data = self._ask("/model/price", {"model_id": model, "inputs": inputs})
        try:
            return micros_of(data.get("discounted_price", data["price"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CostsUnread(f"The price makes no sense: {str(data)[:200]}") from error

    def bills(self, since: datetime, until: datetime) -> Iterator[list[Bill]]:
        """Yield the bills of a time, a page at once. Raises CostsUnread."""
        window = {"start_time": _date(since), "end_time": _date(until)}
        for page in range(1, PAGES_MAX + 1):
            data = self._ask("/billings/search", {"page": page, "page_size": PAGE_SIZE, **window})
            items = data.get("items") if isinstance(data, dict) else None
            if not isinstance(items, list):
                raise CostsUnread(f"The bills make no sense: {str(data)[:200]}")
            yield [Bill.parse(item) for item in items]
            if len(items) < PAGE_SIZE:
                return
        raise CostsUnread(f"There are more than {PAGES_MAX} pages of bills in {SLICE}.")

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        # Both only read, so asking again is harmless: the task is run again within the hour.
        try:
            answer = self._http.post(path, json=body).raise_for_status()
            return answer.json()["data"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise CostsUnread(f"WaveSpeed's {path} cannot be read: {error!r}") from error


def micros_of(dollars: Any) -> int:
    """Return the micro-dollars of a JSON number. Raises ValueError when it is none, or finer."""
    if isinstance(dollars, bool) or not isinstance(dollars, int | float | str):
        raise ValueError(f"{dollars!r} is no sum of money")
    try:
        # A float's shortest form is what was sent, so no digit comes from arithmetic.
        micros = Decimal(str(dollars)) * MICROS_PER_DOLLAR
        whole = int(micros)
    except (InvalidOperation, OverflowError) as error:
        raise ValueError(f"{dollars!r} is no sum of money") from error
    if whole != micros or whole < 0:
        raise ValueError(f"{dollars!r} is no whole number of micro-dollars")
    return whole


def read_prices(till: Till) -> int:
    """Ask for the price of everything we sell and keep those that changed; return how many."""
    changed = 0
    for model in catalog.MODELS.values():
        for resolution in model.micros_per_second:
            inputs = {"resolution": resolution, "duration": PRICE_SECONDS}
            micros = till.price_micros(model.id, inputs)
            changed += _keep_price(model.id, resolution, -(-micros // PRICE_SECONDS))
    return changed


def read_bills(till: Till) -> int:
    """Read the bills since the last ones that we know; return how many rows were read."""
    last = UpstreamBill.objects.aggregate(last=Max("billed_at"))["last"]
    now = timezone.now()
    since = max(now - FIRST_READING, last - OVERLAP if last else now - FIRST_READING)
    read = 0
    while since < now:
        for bills in till.bills(since, since + SLICE):
            _keep_bills(bills)
            read += len(bills)
        since += SLICE
    with connection.cursor() as cursor:
        cursor.execute(_ATTACH)
    return read


def _keep_price(model: str, resolution: str, micros: int) -> bool:
    known = UpstreamPrice.objects.filter(model=model, resolution=resolution)
    newest = known.order_by("-since", "-id").first()
    if newest is not None and newest.micros_per_second == micros:
        return False
    known.create(model=model, resolution=resolution, micros_per_second=micros)
    return True


def _keep_bills(bills: Iterable[Bill]) -> None:
    found = {bill.id: bill for bill in bills}
    wanted = {bill.upstream_id for bill in found.values()}
    jobs = Generation.objects.filter(upstream_id__in=wanted)
    ours = dict(jobs.values_list("upstream_id", "pk"))
    rows = [
        UpstreamBill(**vars(bill), generation_id=ours.get(bill.upstream_id))
        for bill in found.values()
    ]
    # A charge may be set right while its job runs: the later reading holds.
    UpstreamBill.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["sort", "micros", "generation", "billed_at"],
    )


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
