"""Reading the addresses that the environment names."""

from urllib.parse import urlsplit

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def loopback(url: str) -> bool:
    """Tell whether the URL's host is this machine."""
    return urlsplit(url).hostname in LOOPBACK


def host_and_port(url: str) -> str:
    """Return "host:port" of a URL, the port of its scheme when it names none."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or {'http': 80, 'https': 443}[parts.scheme]}"
