"""Where a request comes from.

Anybody can write anything into `X-Forwarded-For`. So it counts only when the connection itself
comes from a proxy of ours (TRUSTED_PROXIES), and then only the part that our proxies wrote: from
the right, the first address that is not one of them.
"""

import ipaddress
from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = "HTTP_X_FORWARDED_FOR"
HOPS_MAX = 20


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of "10.0.0.0/8" or single addresses. Raises ImproperlyConfigured."""
    try:
        return tuple(ipaddress.ip_network(text.strip()) for text in texts)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"TRUSTED_PROXIES is a list of addresses and networks such as 10.0.0.0/8: {error}."
        ) from error


def address_of(request: HttpRequest) -> Address | None:
    """Return the address that the request comes from; None when a proxy names none."""
    nearest = peer_of(request)
    if nearest is None or not is_proxy(nearest):
        return nearest
    hops = request.META.get(FORWARDED, "").split(",")
    for hop in reversed(hops[-HOPS_MAX:]):
        address = _parsed(hop.strip())
        # What stands to the left of something unreadable is nobody's word.
        if address is None or not is_proxy(address):
            return address
    return None


def peer_of(request: HttpRequest) -> Address | None:
    """Return the other end of the connection itself."""
    return _parsed(request.META.get("REMOTE_ADDR", ""))


def is_proxy(address: Address) -> bool:
    """Tell whether this is one of our own proxies."""
    return within(address, settings.TRUSTED_PROXIES)


def within(address: Address, nets: Iterable[Network]) -> bool:
    """Tell whether the address belongs to one of the networks."""
    return any(address in net for net in nets)


def _parsed(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket that takes both kinds shows IPv4 as ::ffff:192.0.2.1.
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address
