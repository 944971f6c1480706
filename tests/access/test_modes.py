"""Live and test are strangers: with the same person's keys and pages, neither reaches the other."""

import pytest
from django.test import Client

from accounts.models import Account
from tests import cast
from tests.access.calls import CALLS, Call
from tests.access.possessions import Things, things_of
from tests.access.test_pages import VISITS, Visit
from tests.cast import Customer
from tests.generations import stage

ABOUT_THINGS = [call for call in CALLS if call.is_about]
LISTS = [call for call in CALLS if not call.is_about]
# An account and its twin have the same people.
PEOPLE = ("member_", "invitation_")
PAGES = [visit for visit in VISITS if visit.is_about and not visit.route.startswith(PEOPLE)]
SIDES = ("live things, test key", "test things, live key")


@pytest.fixture(params=SIDES)
def sides(request: pytest.FixtureRequest, alice: Customer, sandbox: str) -> tuple[Things, Customer]:
    """Alice's things in one mode, and Alice in the other mode."""
    tess = cast.tester(alice)
    owner, other = (alice, tess) if request.param == SIDES[0] else (tess, alice)
    return things_of(owner), other


def assert_nothing_of(things: Things, sent: str, content: bytes) -> None:
    """Check that an answer has nothing of these things, but the person, who is the same."""
    text = content.decode("utf-8", "replace")
    person = things.owner.user.email
    seen = {mark for mark in things.marks if mark in text and mark not in sent} - {person}
    assert not seen, seen


@pytest.mark.parametrize("call", ABOUT_THINGS, ids=str)
def test_a_key_finds_no_thing_of_the_other_mode(call: Call, sides: tuple[Things, Customer]) -> None:
    things, other = sides
    before = things.state()

    answer = call.make(things, other.bearer)

    assert answer.status_code == 404
    assert_nothing_of(things, call.address(things), answer.content)
    assert things.state() == before


@pytest.mark.parametrize("call", LISTS, ids=str)
def test_a_key_lists_no_thing_of_the_other_mode(call: Call, sides: tuple[Things, Customer]) -> None:
    things, other = sides
    before = things.state()

    answer = call.make(things, other.bearer)

    assert answer.status_code < 500
    assert_nothing_of(things, str(call.said(things)), answer.content)
    assert things.state() == before


@pytest.mark.parametrize("visit", PAGES, ids=str)
def test_a_page_shows_no_thing_of_the_other_mode(
    visit: Visit, sides: tuple[Things, Customer]
) -> None:
    things, other = sides
    address, before = visit.address(things), things.state()

    got = visit.go(other.browser, address)

    # What has to do with money alone is closed in test mode, whosever it is.
    closed = other.account.is_test and got.headers.get("Location") == "/billing"
    assert got.status == 404 or closed
    assert_nothing_of(things, address, got.content)
    assert things.state() == before


def test_a_picture_of_the_other_mode_is_no_first_frame(sides: tuple[Things, Customer]) -> None:
    things, other = sides
    [submit] = [call for call in CALLS if call.route == "api_submit"]

    answer = submit.make(things, other.bearer)

    assert answer.status_code == 400
    assert "is an upload that you do not have" in answer.json()["message"]


def test_a_switch_changes_what_is_seen_and_nothing_else(alice: Customer, sandbox: str) -> None:
    live, tess = things_of(alice), cast.tester(alice)
    browser, before = alice.browser, live.state()
    film = f"/films/{live.job.pk}"
    seen = []
    for mode in ("live", "test", "live"):
        browser.post("/account/mode", {"to": mode})
        seen.append(stage.get(browser, film).status)

    assert seen == [200, 404, 200]
    assert live.state() == before
    assert list(Account.objects.order_by("created_at")) == [alice.account, tess.account]


def test_a_stranger_reaches_no_twin(alice: Customer, charlie: Customer, sandbox: str) -> None:
    things = things_of(cast.tester(alice))
    strangers = (charlie, cast.tester(charlie))
    for call in ABOUT_THINGS:
        for stranger in strangers:
            assert call.make(things, stranger.bearer).status_code == 404
    for visit in PAGES:
        address = visit.address(things)
        for stranger in strangers:
            got = visit.go(stranger.browser, address)
            assert got.status == 404 or got.headers.get("Location") == "/billing"
            assert_nothing_of(things, address, got.content)
        assert visit.go(Client(), address).status in {302, 404}
