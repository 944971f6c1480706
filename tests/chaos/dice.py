"""Which call goes wrong, and how: decided by the seed, the kind of call and its running number."""

import random
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One way in which a call goes wrong."""

    BUSY = "429, not taken"
    BROKEN = "500, not taken"
    DOWN = "503, not taken"
    BROKEN_AFTER = "500, but taken"
    GATEWAY_AFTER = "504, but taken"
    SILENT = "silence, not taken"
    SILENT_AFTER = "silence, but taken"
    LATE = "silence, and taken after the caller has gone"
    LOST = "taken, then closed without an answer"
    RESET = "taken, then reset in the middle of the answer"
    PAGE = "taken, then answered with a web page"
    HALF = "taken, then answered with half a JSON"
    NULL = "taken, then answered without data"
    EMPTY = "taken, then answered with nothing"
    HOOK_TWICE = "delivered twice"
    HOOK_MISSING = "never delivered"
    HOOK_LATE = "delivered late"


# A film or picture that arrives whole but garbled would be what its sender meant, no fault of the
# way: such a job fails by rule. So these are for answers in JSON.
GARBLED = (Fault.PAGE, Fault.HALF, Fault.NULL, Fault.EMPTY)
FILE = (
    Fault.BUSY,
    Fault.BROKEN,
    Fault.DOWN,
    Fault.GATEWAY_AFTER,
    Fault.SILENT,
    Fault.LOST,
    Fault.RESET,
)
READING = (*FILE, *GARBLED)
WRITING = (*READING, Fault.BROKEN_AFTER, Fault.SILENT_AFTER, Fault.LATE)
FAULTS = {
    "submit": WRITING,
    "ticket": READING,
    "put": WRITING,
    "history": READING,
    "poll": READING,
    "film": FILE,
    "picture": FILE,
    "secret": READING,
    "hook": (Fault.HOOK_TWICE, Fault.HOOK_MISSING, Fault.HOOK_LATE),
    "other": READING,
}


def numbers(*names: object) -> random.Random:
    """Return the one sequence of random numbers that belongs to these names."""
    return random.Random(":".join(map(str, names)))  # noqa: S311  a seed must replay it


@dataclass
class Dice:
    """Throws for each call; the same seed and order of calls give the same faults."""

    seed: int
    percent: float
    calls: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)

    def throw(self, kind: str) -> Fault | None:
        """Return what goes wrong with the next call of this kind, None for nothing."""
        self.calls[kind] += 1
        luck = numbers(self.seed, kind, self.calls[kind])
        if luck.random() * 100 >= self.percent:
            return None
        fault = luck.choice(FAULTS[kind])
        self.faults[kind, fault] += 1
        return fault
