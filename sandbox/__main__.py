"""`python -m sandbox`: serves both stand-ins until SIGTERM or SIGINT."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from sandbox.app import build
from sandbox.settings import Settings

STOP_SECONDS = 1.0


async def serve(settings: Settings) -> None:
    """Returns after a signal. Raises what kept the server from starting, a taken port say."""
    _claim(settings)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = Server(
        build(settings),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        websockets=False,
        # Below errors Granian reports its own start and stop.
        log_level=LogLevels.error,
    )
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        serving.result()
    # Granian leaves it unannotated.
    stop: Callable[[], object] = server.stop
    stop()
    await asyncio.wait({serving}, timeout=STOP_SECONDS)


def _claim(settings: Settings) -> None:
    """Raises OSError when the port is taken: Granian would share it without a word."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((settings.host, settings.port))


def main() -> None:
    """Exits at once afterwards: requests that are still open must not hold up Ctrl-C."""
    try:
        asyncio.run(serve(Settings.from_environment()))
    except (OSError, ValueError) as fault:
        sys.exit(f"The sandbox cannot start: {fault}")
    # A rendering thread may be deep in the encoder; nothing it does is lost by leaving it.
    os._exit(0)


if __name__ == "__main__":
    main()
