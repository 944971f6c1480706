"""Our submission, which commits a charge, beside LiteLLM's proxy, which commits nothing.

The proxy runs without a database, with a key, in front of an upstream that answers at once. It is
installed once into an environment of its own below the data folder. Both take turns under the same
load, each with one process as its own command starts it.
"""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from django.conf import settings

from bench import bench_api, crowd, web_server, wrk
from tests.house import wait_for
from tests.ports import free_port

PACKAGE = "litellm[proxy]==1.106.2"
KEY = "sk-bench"
ROUNDS = 3
SECONDS = 5
WARM_SECONDS = 3
TIMES = 5
STOP_SECONDS_MAX = 20
PATH = "/v1/chat/completions"
CONFIG = """
model_list:
  - model_name: fake
    litellm_params:
      model: openai/fake
      api_base: http://127.0.0.1:{port}/v1
      api_key: none
general_settings:
  master_key: {key}
"""


def installed() -> Path:
    """Return the proxy's program, installing it on first use."""
    folder = settings.DATA / "bench" / "litellm"
    program: Path = folder / "bin" / "litellm"
    done = folder / PACKAGE
    if not done.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([folder / "bin" / "pip", "install", "--quiet", PACKAGE], check=True)
        done.touch()
    return program


@contextmanager
def proxy(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Run the proxy and its upstream; the proxy's address and process."""
    port = free_port()
    upstream = subprocess.Popen(
        [sys.executable, "-m", "bench.completions"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert upstream.stdout is not None
    config = folder / "litellm.yaml"
    config.write_text(CONFIG.format(port=upstream.stdout.readline().strip(), key=KEY))
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(
            [installed(), "--config", config, "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "LITELLM_LOG": "ERROR", "NO_PROXY": "*"},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: _answers(url))
        yield url, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS_MAX)
        upstream.communicate()


def _answers(url: str) -> bool | None:
    try:
        return httpx.get(f"{url}/health/liveliness", timeout=2).is_success or None
    except httpx.HTTPError:
        return None


def completion() -> wrk.Request:
    """Return the question that the proxy is asked."""
    body = {"model": "fake", "messages": [{"role": "user", "content": "Does it gallop?"}]}
    return wrk.Request("POST", PATH, KEY, json.dumps(body))


@pytest.mark.django_db(transaction=True)
def bench_litellm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Print both rates; ours must be the promised number of times theirs."""
    members = crowd.gather(bench_api.ACCOUNTS)
    ours = bench_api.write(tmp_path / "submit", bench_api.submissions(members, once=True))
    theirs = bench_api.write(tmp_path / "completion", [completion()])
    lines = {"submit": bench_api.Line(), "LiteLLM": bench_api.Line()}
    with bench_api.driver_seated(), web_server.running() as site, proxy(tmp_path) as (url, process):
        other = web_server.Site(url, process, site.postgres)
        turns = {"submit": (site, ours), "LiteLLM": (other, theirs)}
        for place, file in turns.values():
            bench_api.measure(place, file, bench_api.Line(), WARM_SECONDS)
        for _ in range(ROUNDS):
            for name, (place, file) in turns.items():
                bench_api.measure(place, file, lines[name], SECONDS)
    times = lines["submit"].rate / lines["LiteLLM"].rate
    with capsys.disabled():
        print(f"\n{bench_api.CONNECTIONS} connections, medians of {ROUNDS} rounds of {SECONDS} s")
        for name, line in lines.items():
            print(f"{name:8} {line}")
        print(f"submit / LiteLLM {times:.1f}")
    assert times >= TIMES
