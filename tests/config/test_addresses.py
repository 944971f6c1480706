"""Which addresses the way out may lead to: only those handed out to the public."""

import socket

import pytest
from asgiref.sync import async_to_sync
from pytest_django import Settings

from config import outbound
from config.outbound import AddressRefused, FetchFailed

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "2001:4860:4860::8888",
]
REFUSED = {
    "this network": ["0.0.0.1", "0.1.2.3"],
    "private": ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1"],
    "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"],
    "cloud metadata": ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"],
    "protocol assignments": ["192.0.0.1", "192.0.0.170"],
    "documentation": ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"],
    "6to4 relays": ["192.88.99.1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "100::1", "5f00::1"],
    "unspecified": ["::"],
    "unique local": ["fc00::1", "fdff::1"],
    "old site-local": ["fec0::1"],
    "mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1"],
    "6to4": ["2002:7f00:1::", "2002:0a00:0001::1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b:1::10.0.0.1"],
    "Teredo": ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "ORCHID": ["2001:10::1", "2001:20::1"],
}
TABLE = [(kind, address) for kind, addresses in REFUSED.items() for address in addresses]
# What the C library reads as 127.0.0.1, 10.0.0.1 or 169.254.169.254.
DISGUISED = [
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "10.1",
    "0xa.1",
    "2852039166",
    "0",
    "00000000",
    "localhost",
]

judge = async_to_sync(outbound.judged_address)


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(TABLE) + len(PUBLIC) + len(DISGUISED) >= 70


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address: str) -> None:
    assert outbound.public(address)
    assert judge(address, 443) == address


@pytest.mark.parametrize(("kind", "address"), TABLE)
def test_a_special_address_is_refused(kind: str, address: str) -> None:
    assert not outbound.public(address), kind


@pytest.mark.parametrize("host", DISGUISED)
def test_a_disguised_private_address_is_refused(host: str) -> None:
    with pytest.raises(
        AddressRefused, match=r"is private or not allowed\. Use a public one"
    ) as found:
        judge(host, 80)
    assert host in str(found.value)
    assert not found.value.passing


@pytest.mark.parametrize("port", [1, 22, 25, 81, 444, 3306, 5432, 6379, 8000, 8080, 65535])
def test_only_the_ports_of_the_web_are_allowed(port: int) -> None:
    with pytest.raises(AddressRefused):
        judge("1.1.1.1", port)


def test_a_private_address_can_be_allowed_with_its_port_and_no_other(settings: Settings) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = {"127.0.0.1:9999"}

    assert judge("127.0.0.1", 9999) == "127.0.0.1"
    for host, port in (("127.0.0.1", 80), ("127.0.0.1", 9998), ("localhost", 9999)):
        with pytest.raises(AddressRefused):
            judge(host, port)


@pytest.mark.parametrize("host", ["gallop.invalid", "x" * 64 + ".invalid", "a..b.invalid"])
def test_a_name_that_nobody_has_is_said_to_be_unknown(host: str) -> None:
    with pytest.raises(FetchFailed, match=r"was not found\. Check the address") as failed:
        judge(host, 80)
    assert not isinstance(failed.value, AddressRefused)


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def two_answers(*_: object, **__: object) -> list[object]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))
            for address in ("1.1.1.1", "10.0.0.1")
        ]

    # No name server of this machine gives such an answer when asked.
    monkeypatch.setattr(socket, "getaddrinfo", two_answers)
    with pytest.raises(AddressRefused):
        judge("rebinding.test", 443)
