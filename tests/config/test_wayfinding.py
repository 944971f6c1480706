"""What is asked for at fixed addresses, the pages that the law asks for, and the styleguide."""

import json
from xml.etree import ElementTree

import pytest
from django.conf import settings as site
from django.test import Client

from config import legal
from tests.cast import Customer

pytestmark = pytest.mark.django_db

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


def text(path: str) -> str:
    answer = Client().get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


@pytest.mark.parametrize("name", legal.NAMES)
def test_what_only_the_operator_knows_is_marked(name: str) -> None:
    page = text(f"/{name}")
    assert "<mark>[" in page
    assert page.count('aria-current="page"') == 1


def test_pages_lead_to_the_legal_ones_and_so_does_opening_an_account() -> None:
    for path in ("/", "/docs", "/terms"):
        assert all(f'href="/{name}"' in text(path) for name in legal.NAMES), path
    assert all(f'href="/{name}"' in text("/account/signup/") for name in ("terms", "privacy"))


def test_every_page_of_the_sitemap_opens_for_anybody() -> None:
    root = ElementTree.fromstring(text("/sitemap.xml"))  # noqa: S314  our own answer
    places = [str(place.text) for place in root.iter(SITEMAP)]
    assert f"{site.PUBLIC_URL}/" in places
    for place in places:
        assert "</html>" in text(place.removeprefix(site.PUBLIC_URL))


def test_robots_keep_out_of_what_needs_a_key_and_find_the_sitemap() -> None:
    said = text("/robots.txt")
    assert "Disallow: /api/v3/" in said
    assert f"Sitemap: {site.PUBLIC_URL}/sitemap.xml" in said


def test_the_manifest_and_the_social_card_lead_to_files_that_exist() -> None:
    icons = [icon["src"] for icon in json.loads(text("/manifest.webmanifest"))["icons"]]
    assert len(icons) == 3
    for address in [*icons, "/static/brand/card.jpg"]:
        assert (site.BASE_DIR / address.removeprefix("/")).is_file()
    assert f'property="og:image" content="{site.PUBLIC_URL}/static/brand/card.jpg"' in text("/")


def test_only_staff_see_the_styleguide(alice: Customer) -> None:
    assert Client().get("/styleguide")["Location"] == "/account/login/?next=/styleguide"
    assert alice.browser.get("/styleguide").status_code == 403
    alice.user.is_staff = True
    alice.user.save(update_fields=["is_staff"])
    page = alice.browser.get("/styleguide").content.decode()
    assert page.count('data-theme="dark"') == page.count('data-theme="light"') == 1
    assert page.count('<span class="mono">arrow-left</span>') == 2
