"""What a job costs, to the micro-dollar, and where the customer reads it."""

import pytest

from billing import ledger
from generations import pricing
from generations.catalog import IMAGE_TO_VIDEO
from generations.models import Generation
from tests.cast import Customer
from tests.generations.stage import MODEL, body, upload

PRICES_MICROS = {
    "720p": {
        3: 420_000, 4: 560_000, 5: 700_000, 6: 840_000, 7: 980_000, 8: 1_120_000, 9: 1_260_000,
        10: 1_400_000, 11: 1_540_000, 12: 1_680_000, 13: 1_820_000, 14: 1_960_000, 15: 2_100_000,
    },
    "1080p": {
        3: 567_000, 4: 756_000, 5: 945_000, 6: 1_134_000, 7: 1_323_000, 8: 1_512_000, 9: 1_701_000,
        10: 1_890_000, 11: 2_079_000, 12: 2_268_000, 13: 2_457_000, 14: 2_646_000, 15: 2_835_000,
    },
}  # fmt: skip
TABLE = [
    (resolution, seconds, micros)
    for resolution, prices in PRICES_MICROS.items()
    for seconds, micros in prices.items()
]


def test_the_table_covers_every_duration_at_both_resolutions() -> None:
    duration = IMAGE_TO_VIDEO.parameter("duration")
    every = {(r, s) for r in ("720p", "1080p") for s in range(duration.low, duration.high + 1)}
    assert {(resolution, seconds) for resolution, seconds, _ in TABLE} == every
    assert len(every) == 26


@pytest.mark.parametrize(("resolution", "seconds", "micros"), TABLE)
def test_the_price_is_exact(resolution: str, seconds: int, micros: int) -> None:
    price = pricing.quote(IMAGE_TO_VIDEO, {"resolution": resolution, "duration": seconds})

    assert price == micros
    assert type(price) is int


@pytest.mark.parametrize(
    ("resolution", "seconds", "balance"),
    [("1080p", 5, 24.055), ("720p", 5, 24.3), ("1080p", 15, 22.165), ("1080p", 3, 24.433)],
)
def test_the_api_shows_what_is_left(
    alice: Customer, resolution: str, seconds: int, balance: float
) -> None:
    assert alice.get("/api/v3/balance").json()["data"] == {"balance": 25.0}

    alice.post(MODEL, body(upload(alice), resolution=resolution, duration=seconds))

    assert alice.get("/api/v3/balance").json()["data"] == {"balance": balance}


def test_the_statement_names_the_film_and_its_price(finished: Generation, alice: Customer) -> None:
    line, opening = ledger.statement(alice.account)

    assert line.memo == "HappyHorse 1.1 · 720p · 3 s"
    assert (line.change_micros, line.running_micros) == (-420_000, 24_580_000)
    assert (opening.change_micros, opening.running_micros) == (25_000_000, 25_000_000)
    assert line.reference == finished.hold_reference
    assert Generation.id_in(line.reference) == finished.pk


def test_only_references_of_jobs_name_a_job() -> None:
    assert Generation.id_in("purchase:1") is None
