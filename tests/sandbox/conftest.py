"""What the tests of the WaveSpeed stand-in share: a stage with its own clock and outside world."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.sandbox.wavespeed_stage import Stage


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Stage(tmp_path) as opened:
        yield opened
