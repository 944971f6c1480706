"""What is killed, and when."""

import random

VICTIMS = ("web", "worker-1", "postgres", "worker-2")


def plan(luck: random.Random, count: int, gap_seconds: float) -> list[tuple[float, str]]:
    """Return so many kills as (seconds to wait before it, victim); each four hit all parts."""
    victims: list[str] = []
    while len(victims) < count:
        victims += luck.sample(VICTIMS, len(VICTIMS))
    return [(gap_seconds * luck.uniform(0.3, 1.7), victim) for victim in victims[:count]]
