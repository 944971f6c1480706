"""A film and its gallery on a telephone: title, star, link, speed, scrolling, choosing, undo."""

import re
import zipfile
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests import house
from tests.journeys import visitor
from tests.journeys.conftest import CLICK_MS_MAX

pytestmark = pytest.mark.xdist_group("house")

PHONE: ViewportSize = {"width": 390, "height": 844}
EMAIL = "gita@example.org"
ORDER = f"""
from accounts.opening import account_of, open_account
from billing import ledger, money
from billing.models import LedgerAccount, Transfer
from generations import catalog, images, lifecycle
from tests.pictures import draw
user = open_account("{EMAIL}", "{visitor.PASSWORD}")
account = account_of(user)
ledger.deposit(account, money.parse("30"), source=LedgerAccount.Code.PROMOTIONS,
               kind=Transfer.Kind.PROMOTION, reference="for gita")
upload = images.receive(account, draw(960, 640), "disc.jpg")
model = catalog.IMAGE_TO_VIDEO
said = {{"image": images.address(upload), "prompt": "A disc", "resolution": "720p", "duration": 3}}
print("job", lifecycle.request(account, model, model.clean(said), user=user, upload=upload).pk)
"""
MULTIPLY = """
import uuid
from datetime import timedelta
from billing import ledger
from generations.models import Generation
film = Generation.objects.get(pk="{pk}")
fields = {{one.attname: getattr(film, one.attname) for one in film._meta.concrete_fields
           if not one.generated}}
for n in range(1, 61):
    copy = Generation(**{{**fields, "id": uuid.uuid4(), "upstream_id": f"copy-{{n}}",
                          "title": f"Take {{n}}", "favourite": False, "share_word": "",
                          "created_at": film.created_at - timedelta(hours=n)}})
    ledger.hold(film.account, copy.price_micros, reference=copy.hold_reference, memo=copy.memo)
    copy.save(force_insert=True)
    ledger.capture(copy.hold_reference)
"""


@pytest.fixture
def phone(chromium: Browser, site: house.House) -> Iterator[Page]:
    """A telephone on which any mistake of a script, or against the policy, fails the test."""
    mistakes: list[str] = []
    context = chromium.new_context(
        base_url=site.url,
        viewport=PHONE,
        is_mobile=True,
        has_touch=True,
    )
    context.set_default_timeout(CLICK_MS_MAX)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.on("pageerror", lambda error: mistakes.append(str(error)))
    page.on("console", lambda line: mistakes.extend(visitor.mistakes_in(line)))
    yield page
    context.close()
    assert mistakes == []


@pytest.fixture
def film(site: house.House, phone: Page) -> str:
    """The id of Gita's only film; she is signed in and looks at it."""
    pk = site.manage("shell", "-c", ORDER).rpartition("job ")[2].strip()
    phone.goto(f"/account/login/?next=/films/{pk}")
    phone.locator("#id_login").fill(EMAIL)
    phone.locator("#id_password").fill(visitor.PASSWORD)
    phone.get_by_role("button", name="Log in").click()
    visitor.await_film(phone)
    return pk


def test_a_film_is_watched_named_starred_and_shared(
    film: str, phone: Page, site: house.House, chromium: Browser
) -> None:
    watched_closely(phone)
    no_sideways_scrolling(phone)
    named_and_starred(phone)
    address = shared(phone)
    seen_by_a_stranger(chromium, address)
    phone.locator("#last-frame").click()
    expect(phone).to_have_url(re.compile("/create"))
    expect(phone.locator("#id_kept")).to_have_count(1)

    site.manage("shell", "-c", MULTIPLY.format(pk=film))
    scrolled_to_the_end(phone)
    chosen_downloaded_and_deleted(phone)
    found(phone)


def watched_closely(phone: Page) -> None:
    """The small buttons do what they say."""
    video = phone.locator("#player")
    phone.get_by_role("button", name="½×").click()
    assert video.evaluate("film => film.playbackRate") == 0.5
    phone.get_by_role("button", name="Loop").click()
    assert video.evaluate("film => film.loop") is False
    expect(phone.get_by_role("button", name="Loop")).to_have_attribute("aria-pressed", "false")
    phone.get_by_role("button", name="One frame on").click()
    assert 0 < video.evaluate("film => film.currentTime") < 0.1
    phone.locator(".strip--seek .strip__frame").nth(6).click()
    assert video.evaluate("film => film.currentTime") == pytest.approx(1.5, abs=0.1)


def no_sideways_scrolling(phone: Page) -> None:
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def named_and_starred(phone: Page) -> None:
    """Without leaving the page for the star, with a visible title afterwards."""
    star = phone.get_by_role("button", name="Favourite")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    phone.locator("#rename summary").click()
    phone.locator("#id_title").fill("The disc")
    phone.get_by_role("button", name="Save").click()
    expect(phone.get_by_role("heading", name="The disc")).to_be_visible()
    expect(star).to_have_attribute("aria-pressed", "true")


def shared(phone: Page) -> str:
    """Return the link, as the copy button gives it."""
    phone.get_by_role("button", name="Share by link").click()
    phone.locator("#share").get_by_role("button", name="Copy").click()
    expect(phone.locator("#share").get_by_role("button", name="Copied")).to_be_visible()
    address: str = phone.evaluate("navigator.clipboard.readText()")
    assert address == phone.locator("#share-link").input_value()
    return address


def seen_by_a_stranger(chromium: Browser, address: str) -> None:
    """Who is not signed in sees the film play."""
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("heading", name="The disc")).to_be_visible()
    assert page.locator("#player").evaluate(
        "async film => { film.muted = true; await film.play(); return film.videoWidth; }"
    )
    context.close()


def scrolled_to_the_end(phone: Page) -> None:
    """More films come by themselves, each once, until there are no more."""
    phone.goto("/gallery")
    cards = phone.locator("#films > .card")
    expect(cards).to_have_count(24)
    for number in (48, 61):
        phone.locator(".gallery__more").scroll_into_view_if_needed()
        expect(cards).to_have_count(number)
    expect(phone.locator(".gallery__more")).to_have_count(0)
    addresses = cards.locator("> a").evaluate_all("links => links.map(link => link.href)")
    assert len(set(addresses)) == 61
    no_sideways_scrolling(phone)


def chosen_downloaded_and_deleted(phone: Page) -> None:
    """Two of them, from different pages of the wall; then undone."""
    bar = phone.locator("#bulk-bar")
    expect(bar).to_be_hidden()
    picks = phone.locator(".card__pick input")
    picks.nth(60).check()
    picks.nth(1).check()
    expect(bar).to_contain_text("Chosen: 2")
    with phone.expect_download() as coming:
        bar.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(coming.value.path()) as archive:
        names = sorted(archive.namelist())
        assert [("Take 1 " in names[1] or "Take 1 " in names[0]), len(names)] == [True, 2]
        assert archive.testzip() is None

    bar.get_by_role("button", name="Delete").click()
    expect(phone.get_by_text("Take 1", exact=True)).to_have_count(0)
    phone.get_by_role("button", name="Undo").click()
    expect(phone.get_by_text("Your 2 films are back.")).to_be_visible()
    expect(phone.get_by_text("Take 1", exact=True)).to_be_visible()


def found(phone: Page) -> None:
    """By its title, by the star, and by what was taken away again."""
    phone.get_by_label("Search your films").fill("take 4")
    phone.get_by_role("button", name="Search").click()
    expect(phone.locator("#films > .card")).to_have_count(1)
    phone.locator(".chip").click()
    phone.get_by_text("Filters and order").click()
    phone.get_by_label("Favourites only").check()
    phone.get_by_role("button", name="Show", exact=True).click()
    expect(phone.locator("#films .card__title")).to_have_text(["The disc"])
    phone.locator(".card__star button").click()
    expect(phone.locator(".card__star button")).to_have_attribute("aria-pressed", "false")
