"""A customer's machine: a home folder of its own, a key, our address, and nothing else."""

import json
import os
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from tests import node

MODEL = "alibaba/happyhorse-1.1/image-to-video"
SHORT = {"resolution": "720p", "duration": 3}
PRICE_SHORT = Decimal("0.42")
RUN_SECONDS_MAX = 90


@dataclass(frozen=True)
class Customer:
    """Somebody with an account on the running site."""

    url: str
    key: str

    @property
    def balance(self) -> Decimal:
        """What can be spent, in dollars."""
        answer = self.get("balance").json(parse_float=Decimal)
        return Decimal(answer["data"]["balance"])

    def get(self, path: str) -> httpx.Response:
        """Send a GET without any client."""
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx.get(f"{self.url}/api/v3/{path}", headers=headers).raise_for_status()

    def result(self, prediction_id: str) -> dict[str, Any]:
        """Return the job as it stands."""
        found: dict[str, Any] = self.get(f"predictions/{prediction_id}/result").json()["data"]
        return found


def environment(home: Path, **settings: str) -> dict[str, str]:
    """Return what a program on this machine sees: none of our own settings."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        **settings,
    }


@dataclass(frozen=True)
class Failed:
    """An error that the JavaScript client threw: its class and its words."""

    name: str
    message: str


def call(customer: Customer, home: Path, method: str, *args: object) -> Any:
    """Call a method of npm `wavespeed` and return its value, or Failed when it throws."""
    asked = {"baseUrl": customer.url, "key": customer.key, "method": method, "args": args}
    done = subprocess.run(
        node.script("call.mjs"),
        input=json.dumps(asked),
        env=environment(home),
        check=True,
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
    )
    outcome = json.loads(done.stdout)
    if error := outcome.get("error"):
        return Failed(error["name"], error["message"])
    return outcome["value"]


def unsigned(address: str) -> str:
    """Return the film's address without its signature, which is another one each second."""
    return address.partition("?")[0]


def assert_film(address: str) -> None:
    """Check that a whole MP4 is behind the address, for somebody without a key."""
    film = httpx.get(address)
    assert film.headers["Content-Type"] == "video/mp4"
    assert film.content[4:8] == b"ftyp"
    assert len(film.content) == int(film.headers["Content-Length"])
