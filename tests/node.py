"""Node and WaveSpeed's npm clients for the tests: `python -m tests.node` finds or installs them.

What is installed is written in tests/clients: package.json names the clients, package-lock.json
every package behind them. Other folders with the same two files are installed in the same way.
"""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

CLIENTS = Path(__file__).parent / "clients"
PACKAGES = CLIENTS / "node_modules"
LOCK = "package-lock.json"
# The lock that the packages were installed from; `npm ci` takes it away with them.
INSTALLED = "node_modules/.installed.json"
# The first with fetch, which all the clients use.
VERSION_MIN = 18
APT_SECONDS_MAX = 600
NPM_SECONDS_MAX = 300


class NoNode(RuntimeError):
    """There is no Node on this machine that runs the clients."""

    def __init__(self) -> None:
        super().__init__(
            f"Node {VERSION_MIN} or newer with npm is missing. Run `python -m tests.node` as root "
            "on Debian, or install Node with your machine's package manager."
        )


class NoClients(RuntimeError):
    """The clients are not installed as the lock says."""

    def __init__(self) -> None:
        super().__init__("The npm clients are missing. Run `python -m tests.node`.")


@cache
def find() -> str:
    """Return the path of node. Raises NoNode."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoNode
    said = subprocess.run([node, "--version"], check=True, capture_output=True, text=True).stdout
    if int(said.removeprefix("v").split(".")[0]) < VERSION_MIN:
        raise NoNode
    return node


def script(path: str) -> list[str]:
    """Return the command that runs this file of the clients. Raises NoNode and NoClients."""
    node = find()
    if not are_installed():
        raise NoClients
    return [node, str(CLIENTS / path)]


def are_installed(folder: Path = CLIENTS) -> bool:
    """Tell whether the packages are those of the lock."""
    done = folder / INSTALLED
    return done.exists() and done.read_bytes() == (folder / LOCK).read_bytes()


def install() -> None:
    """Install Debian's Node. Raises NoNode where that cannot be done."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        packages = ["install", "--yes", "--no-install-recommends", "nodejs", "npm"]
        for command in (["update"], packages):
            subprocess.run(["apt-get", "-qq", *command], check=True, timeout=APT_SECONDS_MAX)
    find()


def install_packages(folder: Path = CLIENTS) -> None:
    """Install exactly what the folder's lock names; no package runs a script of its own."""
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"],
        cwd=folder,
        check=True,
        timeout=NPM_SECONDS_MAX,
    )
    (folder / INSTALLED).write_bytes((folder / LOCK).read_bytes())


if __name__ == "__main__":
    try:
        find()
    except NoNode:
        print("No Node found for the tests: installing one.", flush=True)
        install()
    if not are_installed():
        print("Installing WaveSpeed's npm clients for the tests.", flush=True)
        install_packages()
