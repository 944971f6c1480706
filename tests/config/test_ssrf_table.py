"""Every way to have us visit a private place, tried on both ways out: pictures and webhooks.

The names are asked of a real name server and every address dialled is noted, so a refusal means
that nothing was sent there, not even the first packet of a connection.
"""

import io
from collections.abc import Callable, Iterator

import pytest
from asgiref.sync import async_to_sync
from pytest_django import Settings

from config.outbound import AddressRefused, Fetcher, FetchFailed
from tests.config.internet import Internet, lay_wires, name_server, serving
from tests.config.test_addresses import DISGUISED, REFUSED, TABLE
from tests.web import Page, Web

HERE, HERE_6 = "93.184.215.14", "2606:4700:4700::1111"
SITE = "pictures.test"
SECONDS_MAX = 10.0
SIZE_MAX = 1000
NOWHERE: list[tuple[str, int]] = []

# Beyond the table of test_addresses: what clouds answer their own machines on, and the same
# addresses in the clothes of IPv6.
CLOUDS = [
    ("Azure", "168.63.129.16"),
    ("Oracle", "192.0.0.192"),
    ("Amazon's containers", "169.254.170.2"),
    ("Amazon's clock", "169.254.169.123"),
    ("Amazon's names", "fd00:ec2::253"),
    ("Google", "fd20:ce::254"),
    ("OpenStack", "fe80::a9fe:a9fe"),
    ("mapped", "::ffff:a9fe:a9fe"),
    ("compatible", "::a9fe:a9fe"),
    ("translated", "::ffff:0:a9fe:a9fe"),
    ("NAT64", "64:ff9b::a9fe:a9fe"),
    ("6to4", "2002:a9fe:a9fe::1"),
    ("6to4 of a private network", "2002:c0a8:101::1"),
    ("Teredo from loopback", "2001:0:102:304::80ff:fffe"),
    ("broadcast", "255.255.255.255"),
    ("all routers", "ff02::2"),
]
PLACES = [*TABLE, *CLOUDS]

# Texts that one reader takes for one host and another reader for another, or for none.
TRICKS = [
    "http://0.0.0.0/", "http://0xA9FEA9FE/", "http://0251.0376.0251.0376/", "http://169.254.43518/",
    "http://0xa9.254.0251.254/", "http://0x7f.1/", "http://127.000.000.001/",
    "http://00000177.0.0.1/", "http://3232235777/", "http://0300.0250.1/", "http://4294967295/",
    "http://4294967297/", "http://127.0.0.1.:80/", "http://localhost./", "http://LOCALHOST/",
    "http://127.0.0.1../", "http://2130706433./", "http://169.254.169.254./",
    "http://1.1.1.1@127.0.0.1/", "http://1.1.1.1:80@10.0.0.1/", "http://1.1.1.1%40@10.0.0.1/",
    "http://a:b@c@169.254.169.254/", "http://127.0.0.1:80@[::1]/", "http://pictures.test@[::1]:80/",
    "http://1.1.1.1\\@127.0.0.1/", "http://127.0.0.1\\@1.1.1.1.invalid/",
    "http://127.0.0.1%2f@10.0.0.1/", "http://%31%32%37.0.0.1/", "http://127.0.0.1%00/",
    "http://127.0.0.1%00.pictures.test/", "http://127.0.0.1%09/", "http://localhost%2e/",
    "http://127.0.0.1\t/", "\thttp://127.0.0.1/", "http://127.0.0.1\r\nHost: x/", "http:127.0.0.1",
    "http:/127.0.0.1/", "http:///127.0.0.1/", "//127.0.0.1/", "127.0.0.1", "localhost:80",
    "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[0000::0001]/", "http://[::1%25lo]/",
    "http://[::1%lo]/", "http://[::127.0.0.1]/", "http://[::ffff:7f00:1]/",
    "http://[::FFFF:127.0.0.1]/", "http://[::ffff:0:127.0.0.1]/", "http://[::ffff:10.0.0.1]:80/",
    "http://[::ffff:127.1]/", "http://[::1]./", "http://[::1]pictures.test/", "http://[127.0.0.1]/",
    "http://::1/", "http://[fe80::1%25lo]/", "http://[1::1::1]/",
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11/", "http://127\u30020\u30020\u30021/",
    "http://127\uff0e0\uff0e0\uff0e1/", "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/",
    "http://\u0661\u0662\u0667.\u0660.\u0660.\u0661/", "http://\U0001d7cf27.0.0.1/",
    "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/", "http://loc\u00adalhost/",
    "http://\u217docalhost/", "http://127.0.0.1\u2044@1.1.1.1.invalid/", "http://127.0.0\u200b.1/",
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/_",
    "dict://127.0.0.1:6379/info", "ldap://127.0.0.1/", "unix:/run/docker.sock",
    "http+unix://%2frun%2fdocker.sock/", "data:text/plain,x", "javascript:alert(1)",
    "jar:http://127.0.0.1!/", "ws://127.0.0.1/", "HTTP://127.0.0.1/", "hTTps://LocalHost/",
]  # fmt: skip
PORTS = [1, 22, 25, 53, 79, 81, 442, 444, 2375, 3306, 5432, 6379, 8000, 8080, 9200, 11211, 65535]
ODD_PORTS = ["65536", "99999", "-80", "+22", "0x50", "08080", "80.", "80,443", "\uff18\uff10\uff18"]
# Looks as if it led to this machine, and leads to a public address.
HARMLESS = [
    f"http://{HERE}#@127.0.0.1/", f"http://{HERE}?@127.0.0.1/", f"http://{HERE}/@127.0.0.1/",
    f"http://127.0.0.1@{HERE}/", f"http://localhost:80@{HERE}/", f"http://{SITE}/?u=http://[::1]/",
    f"http://{SITE.upper()}/", f"http://{SITE}./", f"http://{SITE}:/", f"http://{SITE}:080/",
    # Port 0 is no port, and read as none.
    f"http://{SITE}:0/",
]  # fmt: skip
MIXED = [
    [HERE, "10.0.0.1"], ["10.0.0.1", HERE], [HERE, "127.0.0.1", HERE], [HERE, "::1"],
    [HERE, "fd00:ec2::254"], [HERE, "::ffff:127.0.0.1"], [HERE, "64:ff9b::7f00:1"],
    [HERE_6, "127.0.0.1"], [HERE_6, "fe80::1"], [HERE, HERE_6, "169.254.169.254"],
    [HERE, "0.0.0.1"], [HERE, "224.0.0.1"],
]  # fmt: skip

Way = Callable[[str], object]


@async_to_sync
async def picture(url: str) -> bytes:
    """Read the address as the first frame of a film is read."""
    into = io.BytesIO()
    async with Fetcher() as fetcher:
        await fetcher.read(url, into, size_max=SIZE_MAX, seconds_max=SECONDS_MAX)
    return into.getvalue()


@async_to_sync
async def webhook(url: str) -> int:
    """Post to the address as an event is posted."""
    async with Fetcher() as fetcher:
        return await fetcher.post(url, b"{}", {}, seconds_max=SECONDS_MAX)


both_ways = pytest.mark.parametrize("way", [picture, webhook], ids=["picture", "webhook"])


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[Internet]:
    """An internet in which localhost is what it is everywhere, and nothing private is allowed."""
    settings.PRIVATE_HOSTS_ALLOWED = set()
    internet = Internet()
    internet.name("localhost", ["127.0.0.1", "::1"])
    with name_server(internet) as names:
        lay_wires(internet, names, monkeypatch)
        yield internet


@pytest.fixture
def site(internet: Internet) -> Iterator[Web]:
    """Somebody's site on the public internet."""
    internet.name(SITE, [HERE, HERE_6])
    web = Web(host=SITE)
    with serving(web) as server:
        internet.servers |= {(HERE, 80): server, (HERE_6, 80): server}
        yield web


def refused(way: Way, url: str) -> FetchFailed:
    """Return why the address is not visited."""
    with pytest.raises(FetchFailed) as failed:
        way(url)
    return failed.value


def literal(address: str) -> str:
    """Return an address as it stands in a URL."""
    return f"[{address.replace('%', '%25')}]" if ":" in address else address


def test_the_table_is_longer_than_sixty() -> None:
    urls = {*(literal(address) for _, address in PLACES), *DISGUISED, *TRICKS}
    assert len(urls) >= 150


# Where an address or a name leads.


@both_ways
@pytest.mark.parametrize(("kind", "address"), PLACES)
def test_a_place_is_dialled_neither_by_number_nor_by_name(
    internet: Internet, way: Way, kind: str, address: str
) -> None:
    for scheme in ("http", "https"):
        assert refused(way, f"{scheme}://{literal(address)}/"), kind
    internet.name("inside.test", [address.partition("%")[0]])
    assert isinstance(refused(way, "http://inside.test/"), AddressRefused), kind
    assert internet.dialled == NOWHERE


@both_ways
@pytest.mark.parametrize("url", [*TRICKS, *(f"http://{host}:80/" for host in DISGUISED)])
def test_a_trick_reaches_nobody(internet: Internet, way: Way, url: str) -> None:
    assert not refused(way, url).passing
    assert internet.dialled == NOWHERE


@both_ways
@pytest.mark.parametrize("port", [*map(str, PORTS), *ODD_PORTS])
def test_an_odd_port_of_a_public_address_is_not_dialled(
    internet: Internet, site: Web, way: Way, port: str
) -> None:
    for host in (HERE, SITE, f"[{HERE_6}]"):
        assert not refused(way, f"http://{host}:{port}/").passing
    assert internet.dialled == NOWHERE


@both_ways
@pytest.mark.parametrize("url", HARMLESS)
def test_what_only_looks_private_goes_where_it_was_judged(
    internet: Internet, site: Web, way: Way, url: str
) -> None:
    for path in ("/", "/@127.0.0.1/", "/?@127.0.0.1/", "/?u=http://[::1]/"):
        site.put(path, Page())
    way(url)
    assert internet.dialled == [(HERE, 80)]


# What a name server can do.


@both_ways
@pytest.mark.parametrize("answer", MIXED)
def test_one_private_address_among_others_is_enough(
    internet: Internet, way: Way, answer: list[str]
) -> None:
    internet.name("mixed.test", answer)
    assert isinstance(refused(way, "https://mixed.test/"), AddressRefused)
    assert internet.dialled == NOWHERE


@both_ways
def test_a_name_that_changes_after_it_was_judged_is_not_asked_again(
    internet: Internet, site: Web, way: Way
) -> None:
    internet.name("rebinding.test", [HERE], ["127.0.0.1"])
    site.put("/", Page())

    way("http://rebinding.test/")

    assert (internet.questions, internet.dialled) == (["rebinding.test"], [(HERE, 80)])
    assert site.headers[0]["Host"] == "rebinding.test"


@both_ways
def test_a_name_that_has_changed_is_judged_anew(internet: Internet, site: Web, way: Way) -> None:
    internet.name("rebinding.test", [HERE], ["127.0.0.1"], [HERE, "::1"], ["169.254.169.254"])
    site.put("/", Page())
    way("http://rebinding.test/")

    for _ in range(3):
        assert isinstance(refused(way, "http://rebinding.test/"), AddressRefused)

    assert internet.questions == ["rebinding.test"] * 4
    assert internet.dialled == [(HERE, 80)]


@both_ways
def test_a_refusal_is_not_remembered(internet: Internet, site: Web, way: Way) -> None:
    internet.name("moving.test", ["10.0.0.1"], [HERE])
    site.put("/", Page())
    refused(way, "http://moving.test/")
    way("http://moving.test/")
    assert internet.dialled == [(HERE, 80)]


@both_ways
def test_a_name_without_addresses_is_said_to_be_unknown(internet: Internet, way: Way) -> None:
    internet.name("empty.test", [])
    for host in ("empty.test", "nobody.test"):
        assert "was not found" in str(refused(way, f"http://{host}/"))
    assert internet.dialled == NOWHERE


@both_ways
def test_a_site_of_ipv6_alone_is_reached_there(internet: Internet, site: Web, way: Way) -> None:
    internet.name("six.test", [HERE_6])
    site.put("/", Page())
    way("http://six.test/")
    assert internet.dialled == [(HERE_6, 80)]


# Redirects.

FIRST_OF_EACH = [addresses[0] for addresses in REFUSED.values()]
TARGETS = [
    *(f"http://{literal(address)}/" for address in FIRST_OF_EACH),
    *(f"https://{literal(address)}/" for _, address in CLOUDS),
    *(f"http://{host}/" for host in DISGUISED),
    *(f"http://{SITE}:{port}/" for port in PORTS),
    *(f"//{address}/" for address in ("127.0.0.1", "10.0.0.1", "[::1]")),
    *(url for url in TRICKS if "://" in url and url.isascii() and url.isprintable()),
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_redirect_leads_to_no_place_that_is_refused(
    internet: Internet, site: Web, target: str
) -> None:
    refused(picture, site.redirect("/a", target))
    assert (internet.dialled, site.asked[:1]) == ([(HERE, 80)] * len(site.asked), ["/a"])


@pytest.mark.parametrize("address", FIRST_OF_EACH)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_name_is_judged_by_its_addresses(
    internet: Internet, site: Web, address: str, status: int
) -> None:
    internet.name("inside.test", [address])
    page = Page(status=status, headers={"Location": "https://inside.test/"})
    assert isinstance(refused(picture, site.put("/a", page)), AddressRefused)
    assert webhook(site.url("/a")) == status
    assert internet.dialled == [(HERE, 80)] * 2
    assert internet.questions == [SITE, "inside.test", SITE]


def test_every_step_of_a_redirect_is_judged(internet: Internet, site: Web) -> None:
    site.redirect("/b", "http://inside.test/")
    internet.name("inside.test", ["192.168.0.1"])
    assert isinstance(refused(picture, site.redirect("/a", "/b")), AddressRefused)
    assert site.asked == ["/a", "/b"]
    assert internet.dialled == [(HERE, 80)] * 2


def test_a_name_that_changes_between_two_steps_is_judged_anew(
    internet: Internet, site: Web
) -> None:
    internet.name("rebinding.test", [HERE], ["127.0.0.1"])
    site.redirect("/a", "http://rebinding.test/b")
    assert isinstance(refused(picture, "http://rebinding.test/a"), AddressRefused)
    assert (site.asked, internet.dialled) == (["/a"], [(HERE, 80)])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_webhook_follows_no_redirect_not_even_to_a_public_place(
    internet: Internet, site: Web, status: int
) -> None:
    page = Page(status=status, headers={"Location": f"http://{SITE}/b"})
    assert webhook(site.put("/a", page)) == status
    assert (site.asked, internet.dialled) == (["/a"], [(HERE, 80)])
