"""The samples of a page, as a reader copies them from it, and how they are run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from threading import Timer

import httpx

from tests import node

RUN_SECONDS_MAX = 90
# How each language's files end, and what runs them.
ENDINGS = {"curl": "sh", "python": "py", "javascript": "mjs"}


@dataclass(frozen=True)
class Sample:
    """One sample: its name on the page, such as "submit-python", and its text."""

    name: str
    language: str
    text: str


class _Page(HTMLParser):
    """Collects the samples of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.samples: list[Sample] = []
        self._within: Sample | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "pre" and given.get("data-sample"):
            self._within = Sample(str(given["id"]), str(given["data-sample"]), "")

    def handle_data(self, data: str) -> None:
        if self._within is not None:
            before = self._within
            self._within = Sample(before.name, before.language, before.text + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre" and self._within is not None:
            self.samples.append(self._within)
            self._within = None


def on_page(markup: str) -> dict[str, Sample]:
    """Return the samples of a page by name."""
    page = _Page()
    page.feed(markup)
    return {sample.name: sample for sample in page.samples}


@dataclass(frozen=True)
class Machine:
    """A folder with a picture in it, a key, and our address."""

    url: str
    key: str
    folder: Path

    def read(self, path: str, name: str) -> Sample:
        """Return a sample as this page of the site shows it."""
        page = httpx.get(self.url + path).raise_for_status().text
        return on_page(page)[name]

    def run(self, path: str, name: str, **more: str) -> str:
        """Copy a sample from a page, run it as it is, and return what it printed."""
        done = subprocess.run(
            self._command(self.read(path, name)),
            cwd=self.folder,
            env=self._environment(**more),
            check=False,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def running(self, path: str, name: str, **more: str) -> Iterator["subprocess.Popen[str]"]:
        """Run a sample that serves until the block ends; its output can be read line by line."""
        command = self._command(self.read(path, name))
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment(**more),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            # A receiver that is never called must not hang the tests.
            alarm = Timer(RUN_SECONDS_MAX, process.kill)
            alarm.start()
            try:
                yield process
            finally:
                alarm.cancel()
                process.terminate()

    def _command(self, sample: Sample) -> list[str]:
        path = self.folder / f"{sample.name}.{ENDINGS[sample.language]}"
        path.write_text(sample.text + "\n")
        if sample.language == "javascript":
            assert node.are_installed(), "run `python -m tests.node`"
            packages = self.folder / "node_modules"
            if not packages.exists():
                packages.symlink_to(node.PACKAGES)
            return [node.find(), str(path)]
        return ["bash", str(path)] if sample.language == "curl" else [sys.executable, str(path)]

    def _environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "GALLOP_URL": self.url,
            "GALLOP_API_KEY": self.key,
            **more,
        }
