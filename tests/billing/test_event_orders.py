"""Stripe's events in every order, twice and at once: one and the same ledger."""

import os
from collections.abc import Callable
from functools import partial
from itertools import islice, permutations

import pytest
from pytest_django import Settings

from billing import inbox, ledger, money
from billing.models import Purchase, StripeEvent
from tests import cast
from tests.billing import stories
from tests.billing.races import together
from tests.billing.stories import Books
from tests.billing.stripe_desk import FAILS_LATE, PAYS, SETTLES_LATE, Desk
from tests.cast import Customer

PERMUTATIONS_MAX = 50_000
# Up to five events are told in all their orders; EVENT_ORDERS=5040 tells seven so.
ORDERS_MAX = int(os.environ.get("EVENT_ORDERS", "120"))
OLD_ORDERS_MAX = 24
HELD = money.parse("5")

Story = Callable[[Desk, Purchase], None]


def bought(_desk: Desk, _purchase: Purchase) -> None:
    """Nothing more happens."""


def refunded_in_part(desk: Desk, purchase: Purchase) -> None:
    stories.refund(desk, purchase, 1000)


def refunded_in_two_parts(desk: Desk, purchase: Purchase) -> None:
    stories.refund(desk, purchase, 1000)
    stories.refund(desk, purchase, 1500)


def refund_that_fails(desk: Desk, purchase: Purchase) -> None:
    refund = stories.refund(desk, purchase, 2500)
    desk.control(f"refunds/{refund}", status="failed")


def dispute_won(desk: Desk, purchase: Purchase) -> None:
    desk.control(f"disputes/{stories.dispute(desk, purchase)}", status="won")


def dispute_lost(desk: Desk, purchase: Purchase) -> None:
    desk.control(f"disputes/{stories.dispute(desk, purchase)}", status="lost")


def inquiry_that_grows(desk: Desk, purchase: Purchase) -> None:
    dispute = stories.dispute(desk, purchase, inquiry="true")
    desk.control(f"disputes/{dispute}", status="needs_response")


def inquiry_closed(desk: Desk, purchase: Purchase) -> None:
    dispute = stories.dispute(desk, purchase, inquiry="true")
    desk.control(f"disputes/{dispute}", status="warning_closed")


def settled_late(desk: Desk, purchase: Purchase) -> None:
    desk.control(f"payments/{stories.payment_of(desk, purchase)}/settle")


def failed_late(desk: Desk, purchase: Purchase) -> None:
    desk.control(f"payments/{stories.payment_of(desk, purchase)}/fail")


# What becomes of a purchase of $25 by someone who had nothing, with its figures:
# balance, owed, frozen.
STORIES: dict[str, tuple[Story, str, tuple[str, str, bool]]] = {
    "a purchase": (bought, PAYS, ("26.25", "0", False)),
    "a refund of a part": (refunded_in_part, PAYS, ("15.75", "0", False)),
    "two refunds": (refunded_in_two_parts, PAYS, ("0", "0", False)),
    "a refund that fails": (refund_that_fails, PAYS, ("26.25", "0", False)),
    "a dispute won": (dispute_won, PAYS, ("26.25", "0", False)),
    "a dispute lost": (dispute_lost, PAYS, ("0", "0", True)),
    "an inquiry that grows": (inquiry_that_grows, PAYS, ("0", "0", True)),
    "an inquiry closed": (inquiry_closed, PAYS, ("26.25", "0", False)),
    "an async payment": (settled_late, SETTLES_LATE, ("26.25", "0", False)),
    "an async payment that fails": (failed_late, FAILS_LATE, ("0", "0", False)),
}


@pytest.fixture(autouse=True)
def _bonus(settings: Settings) -> None:
    settings.BONUS_PERCENT = {25: 5}


@pytest.fixture(params=STORIES)
def story(request: pytest.FixtureRequest) -> tuple[Story, str, tuple[str, str, bool]]:
    return STORIES[request.param]


def orders(events: list[StripeEvent]) -> list[tuple[StripeEvent, ...]]:
    """All orders, or as many spread over all when there are too many."""
    everything = list(islice(permutations(events), PERMUTATIONS_MAX))
    return everything[:: max(1, len(everything) // ORDERS_MAX)]


def expected(figures: tuple[str, str, bool]) -> tuple[int, int, int, bool]:
    balance, owed, frozen = figures
    return (money.parse(balance), 0, money.parse(owed), frozen)


def test_all_orders_of_a_storys_events_end_in_one_ledger(
    story: tuple[Story, str, tuple[str, str, bool]],
    desk: Desk,
    bob: Customer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play, number, figures = story
    purchase = stories.buy(desk, bob, number=number)
    play(desk, purchase)
    events = stories.events_of(desk, purchase)
    # Nothing changes at Stripe from here on: each thing is asked for once.
    stories.remember_answers(monkeypatch)

    ends: set[Books] = set()
    for order in orders(events):

        def twice(order: tuple[StripeEvent, ...] = order) -> None:
            stories.deliver(order)
            once = Books.of(bob)
            stories.deliver(reversed(order))
            assert Books.of(bob) == once

        ends.add(stories.told(bob, twice, ends))

    assert len(ends) == 1
    assert ends.pop().sums == expected(figures)


def test_answers_that_are_old_by_the_time_they_count_change_nothing(
    story: tuple[Story, str, tuple[str, str, bool]],
    desk: Desk,
    bob: Customer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each event is asked about at its own moment, and takes effect in any order after all."""
    play, number, figures = story
    known: list[StripeEvent] = []
    effects: list[Callable[[], None]] = []

    def ask() -> None:
        for event in stories.events_of(desk, purchase)[len(known) :]:
            known.append(event)
            ask_stripe = inbox.FOLLOWED[event.type]
            effects.append(ask_stripe(event.payload["data"]["object"]["id"]))

    control = Desk.control

    def control_and_ask(self: Desk, path: str, /, **params: object) -> None:
        ask()
        control(self, path, **params)
        ask()

    purchase = stories.buy(desk, bob, number=number)
    ask()
    monkeypatch.setattr(Desk, "control", control_and_ask)
    play(desk, purchase)
    ask()

    every = list(islice(permutations(effects), PERMUTATIONS_MAX))
    ends: set[Books] = set()
    for order in every[:: max(1, len(every) // OLD_ORDERS_MAX)]:

        def tell(order: tuple[Callable[[], None], ...] = order) -> None:
            for effect in order:
                effect()

        ends.add(stories.told(bob, tell, ends))

    assert {end.sums for end in ends} == {expected(figures)}


@pytest.mark.django_db(transaction=True)
def test_all_events_twice_and_at_the_same_moment_end_in_the_same_ledger(
    story: tuple[Story, str, tuple[str, str, bool]], desk: Desk
) -> None:
    play, number, figures = story
    dora = cast.customer("dora")
    purchase = stories.buy(desk, dora, number=number)
    play(desk, purchase)
    events = stories.events_of(desk, purchase)

    works = [partial(stories.receive, event) for event in events * 2]
    assert [fault for fault in together(works) if fault is not None] == []

    assert Books.of(dora).sums == expected(figures)
    assert StripeEvent.objects.filter(done_at=None).count() == 0
    assert stories.faults() == []


@pytest.mark.parametrize(
    ("story", "figures"),
    [
        # $5 is held, $10 spent: $11.25 are left to take of $26.25.
        (dispute_lost, (HELD, HELD, money.parse("15"), True)),
        (dispute_won, (money.parse("16.25"), HELD, 0, False)),
        (refund_that_fails, (money.parse("16.25"), HELD, 0, False)),
        (refunded_in_two_parts, (HELD, HELD, money.parse("15"), False)),
    ],
)
def test_all_orders_end_alike_when_credit_is_spent_and_held(
    story: Story,
    figures: tuple[int, int, int, bool],
    desk: Desk,
    bob: Customer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    purchase = stories.paid(desk, bob)
    ledger.hold(bob.account, money.parse("10"), reference="generation:spent")
    ledger.capture("generation:spent")
    ledger.hold(bob.account, HELD, reference="generation:running")
    story(desk, purchase)
    events = stories.events_of(desk, purchase)
    stories.remember_answers(monkeypatch)

    # Which of two refunds is owed and which was taken depends on their order; the sums do not.
    ends: set[Books] = set()
    for order in orders(events):

        def tell(order: tuple[StripeEvent, ...] = order) -> None:
            stories.deliver(order)
            stories.deliver(order)

        ends.add(stories.told(bob, tell, ends))

    assert {end.sums for end in ends} == {figures}
