"""A clock that stands still until it is moved, so that tests need not sleep."""

import asyncio
from dataclasses import dataclass, field


@dataclass
class ManualClock:
    """Stands in for `time.time` when called, and for `asyncio.sleep` as `pause`.

    `sandbox.app.build(settings, clock, clock.pause)` runs a whole job, its webhook's retries
    included, as fast as `advance` is called. It may be called from any thread.
    """

    now: float = 1_767_225_600.0  # 2026-01-01T00:00:00Z
    _waiting: list[tuple[float, asyncio.Future[None]]] = field(default_factory=list)

    def __call__(self) -> float:
        """Unix seconds."""
        return self.now

    async def pause(self, seconds: float) -> None:
        """Returns once the clock has been moved that far."""
        if seconds <= 0:
            # As with asyncio.sleep, everyone else gets a turn.
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now + seconds, woken))
        await woken

    def advance(self, seconds: float) -> None:
        """Moves the clock and wakes everyone whose pause is over."""
        self.now += seconds
        over = [waiter for waiter in self._waiting if waiter[0] <= self.now]
        self._waiting = [waiter for waiter in self._waiting if waiter[0] > self.now]
        for _, woken in over:
            # A future may be touched in its own loop's thread only.
            woken.get_loop().call_soon_threadsafe(_wake, woken)


def _wake(woken: asyncio.Future[None]) -> None:
    # Whoever waited may have been cancelled since.
    if not woken.done():
        woken.set_result(None)
