"""The operator's first page: all is well or not, today beside yesterday, and what waits."""

from typing import Any

import pytest
from django.core.cache import cache

from generations import places, proof
from generations.models import UpstreamState
from tests.cast import Customer
from tests.generations import stage
from tests.generations.desk.operators import helper
from tests.generations.desk.test_work_lists import in_doubt, text


def first_page(operator: Customer) -> str:
    answer: Any = operator.browser.get("/admin/")
    assert answer.status_code == 200
    return text(answer)


def figure(page: str, label: str) -> str:
    """Return what the page shows under a label."""
    _, _, rest = page.partition(f">{label}</a>")
    return rest.partition('op-figure__now">')[2].partition("<")[0]


def test_it_tells_of_the_queue_of_today_and_of_work(alice: Customer, olga: Customer) -> None:
    stage.job(alice)
    in_doubt(alice)
    page = first_page(olga)
    assert figure(page, "Waiting for a place") == "1"
    assert figure(page, "At the upstream") == "1"
    assert "1 in doubt" in page
    assert figure(page, "Revenue today") == "$0.00"
    # Alice's credit was a gift.
    assert figure(page, "Credit sold today") == "$0.00"
    assert figure(page, "Owed to customers") == "$25.00"
    assert '/admin/work/doubt/">' in page


def test_it_tells_when_nothing_can_start(alice: Customer, olga: Customer) -> None:
    stage.job(alice)
    assert "No film can start" not in first_page(olga)
    places.note_trouble(UpstreamState.Trouble.MONEY, "Insufficient credits.")
    assert "Top up the credit at WaveSpeed. 1 waiting film goes on by itself" in first_page(olga)


@pytest.mark.parametrize(
    ("faults", "says"), [(0, "The books add up, proved"), (3, "The books have 3 faults")]
)
def test_it_tells_what_the_last_audit_found(olga: Customer, faults: int, says: str) -> None:
    cache.delete(proof.LAST)
    assert "The books have not been proved yet" in first_page(olga)
    cache.set(proof.LAST, (1.0, faults))
    assert says in first_page(olga)
    cache.delete(proof.LAST)


def test_nobody_sees_figures_of_pages_that_are_closed_to_them(alice: Customer) -> None:
    stage.job(alice)
    page = first_page(helper("hugo", "view_account"))
    for words in ("Waiting for a place", "Revenue today", "Waits for somebody"):
        assert words not in page
