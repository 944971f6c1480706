"""A seed replays the faults and the kills."""

from tests.chaos import kills
from tests.chaos.customers import orders
from tests.chaos.dice import FAULTS, Dice, Fault, numbers

CALLS = 2000


def test_the_same_seed_plays_the_same_faults_whatever_other_kinds_of_call_come_between() -> None:
    alone, mixed = Dice(7, 20), Dice(7, 20)
    expected = [alone.throw("submit") for _ in range(CALLS)]
    found = []
    for _ in range(CALLS):
        mixed.throw("poll")
        found.append(mixed.throw("submit"))
    assert found == expected
    assert [Dice(8, 20).throw("submit") for _ in range(CALLS)] != expected


def test_about_a_fifth_of_the_calls_goes_wrong_in_every_way_there_is() -> None:
    dice = Dice(1, 20)
    for _ in range(CALLS):
        dice.throw("submit")
    played = {fault for _, fault in dice.faults}
    assert 0.17 < dice.faults.total() / CALLS < 0.23
    assert played == set(FAULTS["submit"])


def test_every_fault_belongs_to_some_kind_of_call() -> None:
    assert {fault for faults in FAULTS.values() for fault in faults} == set(Fault)


def test_kills_and_prompts_are_replayed_and_every_four_kills_hit_every_part() -> None:
    killed = kills.plan(numbers(3, "kills"), 9, 2.0)
    assert killed == kills.plan(numbers(3, "kills"), 9, 2.0)
    assert {victim for _, victim in killed[:4]} == set(kills.VICTIMS)
    assert {victim for _, victim in killed[4:8]} == set(kills.VICTIMS)
    assert len(killed) == 9
    assert orders(numbers(3, "orders"), 50) == orders(numbers(3, "orders"), 50)
