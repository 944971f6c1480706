"""Reading foreign addresses: what is fetched, what is refused, and what may pass."""

import gzip
import io

import pytest
from asgiref.sync import async_to_sync
from pytest_django import Settings

from config.outbound import REDIRECTS_MAX, AddressRefused, Fetcher, FetchFailed
from tests.ports import free_port
from tests.web import Page, Web

SIZE_MAX = 1000
SECONDS_MAX = 10.0
UNPACKED_BYTES = 10_000_000


@async_to_sync
async def read(url: str, seconds_max: float = SECONDS_MAX) -> bytes:
    """Return what the fetcher reads from the address."""
    into = io.BytesIO()
    async with Fetcher() as fetcher:
        await fetcher.read(url, into, size_max=SIZE_MAX, seconds_max=seconds_max)
    return into.getvalue()


def refused(url: str, seconds_max: float = SECONDS_MAX) -> FetchFailed:
    """Return why the address could not be read."""
    with pytest.raises(FetchFailed) as failed:
        read(url, seconds_max)
    return failed.value


def test_a_file_is_read_whole(web: Web) -> None:
    assert read(web.put("/a.jpg", Page(content=b"x" * SIZE_MAX))) == b"x" * SIZE_MAX


def test_one_byte_more_than_allowed_is_refused(web: Web) -> None:
    failed = refused(web.put("/a.jpg", Page(content=b"x" * (SIZE_MAX + 1))))

    assert "larger than 1000 bytes" in str(failed)
    assert not failed.passing


@pytest.mark.parametrize(
    ("status", "passing"),
    [(404, False), (403, False), (410, False), (304, False), (408, True), (425, True), (429, True),
     (500, True), (502, True), (503, True), (504, True)],
)  # fmt: skip
def test_another_status_is_named_and_sorted_by_whether_it_may_pass(
    web: Web, status: int, passing: bool
) -> None:
    failed = refused(web.put("/a.jpg", Page(status=status)))

    assert f"answered {status} instead of a file" in str(failed)
    assert failed.passing is passing


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(web: Web, status: int) -> None:
    target = web.put("/b.jpg", Page(content=b"here"))

    assert read(web.put("/a", Page(status=status, headers={"Location": target}))) == b"here"


def test_a_relative_redirect_is_followed(web: Web) -> None:
    web.put("/b.jpg", Page(content=b"here"))

    assert read(web.redirect("/a", "/b.jpg")) == b"here"


def test_a_redirect_to_a_private_address_is_refused_before_it_is_asked(web: Web) -> None:
    for target in (
        f"http://127.0.0.1:{free_port()}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://2130706433/",
    ):
        failed = refused(web.redirect("/a", target))
        assert isinstance(failed, AddressRefused)
        assert not failed.passing


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://pictures.test/a", "gopher://x/"])
def test_a_redirect_away_from_http_is_refused(web: Web, target: str) -> None:
    assert "not a working http(s) address" in str(refused(web.redirect("/a", target)))


def test_a_redirect_to_nowhere_is_refused(web: Web) -> None:
    assert "answered 302" in str(refused(web.put("/a", Page(status=302))))


def test_as_many_redirects_as_stated_are_followed_and_no_more(web: Web) -> None:
    web.put("/0", Page(content=b"here"))
    for step in range(1, REDIRECTS_MAX + 2):
        web.redirect(f"/{step}", f"/{step - 1}")

    assert read(web.url(f"/{REDIRECTS_MAX}")) == b"here"
    failed = refused(web.url(f"/{REDIRECTS_MAX + 1}"))
    assert "redirects too often" in str(failed)
    assert not failed.passing


def test_a_loop_of_redirects_ends(web: Web) -> None:
    web.redirect("/a", "/a")

    assert "redirects too often" in str(refused(web.url("/a")))
    assert len(web.asked) == REDIRECTS_MAX + 1


def test_the_body_of_a_redirect_is_not_read(web: Web) -> None:
    # It breaks off, which a reader would notice; an endless one would fill the memory.
    target = web.put("/b.jpg", Page(content=b"here"))
    page = Page(status=302, headers={"Location": target}, content=b"half", announced=400)

    assert read(web.put("/a", page)) == b"here"


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "GZIP", "deflate", "br", "zstd"])
def test_nothing_compressed_is_unpacked(web: Web, coding: str) -> None:
    bomb = gzip.compress(gzip.compress(bytes(UNPACKED_BYTES)))
    assert len(bomb) < SIZE_MAX
    page = Page(content=bomb, headers={"Content-Encoding": coding})

    failed = refused(web.put("/a.jpg", page))

    assert "sends its file compressed" in str(failed)
    assert not failed.passing


def test_a_file_that_is_said_to_be_plain_is_read(web: Web) -> None:
    page = Page(content=b"here", headers={"Content-Encoding": "identity"})

    assert read(web.put("/a.jpg", page)) == b"here"


def test_an_address_that_never_answers_is_given_up_for_now(web: Web) -> None:
    failed = refused(web.put("/a", Page(hangs=True)), seconds_max=0.2)

    assert "took too long" in str(failed)
    assert failed.passing


def test_an_answer_that_breaks_off_may_be_whole_the_next_time(web: Web) -> None:
    failed = refused(web.put("/a", Page(content=b"half", announced=400)))

    assert "could not be reached" in str(failed)
    assert failed.passing


def test_a_closed_port_may_open(settings: Settings) -> None:
    host = f"127.0.0.1:{free_port()}"
    settings.PRIVATE_HOSTS_ALLOWED = {host}

    failed = refused(f"http://{host}/a.jpg")

    assert "could not be reached" in str(failed)
    assert failed.passing


def test_a_private_address_is_refused_whether_or_not_somebody_listens(
    web: Web, settings: Settings
) -> None:
    settings.PRIVATE_HOSTS_ALLOWED = set()

    assert isinstance(refused(web.put("/a", Page())), AddressRefused)
    assert isinstance(refused(f"http://127.0.0.1:{free_port()}/"), AddressRefused)
    assert web.asked == []


def test_the_fetcher_says_who_it_is_and_nothing_about_us(web: Web) -> None:
    read(web.put("/a", Page()))

    headers = web.headers[0]
    assert headers["User-Agent"] == "Gallop"
    assert headers["Host"] == web.host
    assert not {"authorization", "cookie", "referer"} & {name.lower() for name in headers}


@pytest.mark.parametrize(
    "url",
    ["http://", "http:///a.jpg", "http://[", "http://]/", "http://[::1", "http://a b/", "http://%/",
     "http://x:99999/", "http://x:y/", "http://\u00ad/", "http://xn--a/", "http://[v1.x]/",
     "http://user:pw@/", "http://.", "http://..../", "http://[::1%25eth0]/", "http://\u2028/",
     "http://a\\@127.0.0.1/", "http://127.0.0.1\\/", "http://\uff11\uff12\uff17.0.0.1/",
     "http://?", "http://#"],
)  # fmt: skip
def test_no_address_however_odd_does_more_than_fail(url: str) -> None:
    assert str(refused(url)).endswith(".")


@pytest.mark.parametrize("target", ["http://xn--a/", "http://[", "http://x:99999/", "//", "http:"])
def test_no_redirect_however_odd_does_more_than_fail(web: Web, target: str) -> None:
    assert str(refused(web.redirect("/a", target))).endswith(".")


@async_to_sync
async def post(url: str, seconds_max: float = SECONDS_MAX) -> int:
    """Return the status that the address answers to a body."""
    async with Fetcher() as fetcher:
        return await fetcher.post(url, b"words", {"X-Word": "said"}, seconds_max=seconds_max)


@pytest.mark.parametrize("status", [200, 204, 302, 308, 404, 410, 500])
def test_whatever_is_answered_to_a_body_is_told(web: Web, status: int) -> None:
    target = web.put("/b", Page())
    page = Page(status=status, headers={"Location": target}, content=b"x" * SIZE_MAX)
    if status == 204:
        page.content = b""
    assert post(web.put("/a", page)) == status
    assert (web.asked, web.bodies) == (["/a"], [b"words"])
    assert web.headers[0]["X-Word"] == "said"


def test_a_body_goes_to_no_private_address(web: Web, settings: Settings) -> None:
    url = web.put("/a", Page())
    settings.PRIVATE_HOSTS_ALLOWED = set()
    for private in (url, "http://2130706433/", "https://[::1]/", "http://169.254.169.254/"):
        with pytest.raises(AddressRefused):
            post(private)
    assert web.asked == []


def test_a_body_that_nobody_takes_in_time_is_given_up(web: Web) -> None:
    with pytest.raises(FetchFailed, match="took too long") as failed:
        post(web.put("/a", Page(hangs=True)), seconds_max=0.2)
    assert failed.value.passing
