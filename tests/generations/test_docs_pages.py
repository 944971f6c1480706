"""The docs: guides and the reference, which is read from the description of the API."""

import re
from html import unescape

import pytest
from django.test import Client

from generations.docs_pages import GUIDES, Guide
from generations.openapi.document import document
from generations.templatetags.samples import paragraphs, tinted, words
from sandbox.wavespeed import magic

pytestmark = pytest.mark.django_db

REFERENCE = "/docs/api"
# What happens between us and the upstream, and so never in test mode.
UPSTREAM_ONLY = {"[lost]"}


def shown(path: str) -> str:
    answer = Client().get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def ids(markup: str) -> list[str]:
    return re.findall(r'\sid="([^"]+)"', markup)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.slug)
def test_a_guide_is_there_for_everybody_and_leads_on(guide: Guide) -> None:
    at = GUIDES.index(guide)
    page = shown(f"/docs/{GUIDES[at].slug}")
    assert f"<h1>{GUIDES[at].title}</h1>" in page
    assert 'aria-current="page"' in page
    for neighbour in GUIDES[max(0, at - 1) : at + 2]:
        assert f'href="/docs/{neighbour.slug}"' in page


def test_there_are_no_other_guides() -> None:
    assert Client().get("/docs/nothing").status_code == 404
    assert Client().post("/docs/submit").status_code == 405


def test_the_docs_lead_to_every_guide_and_the_reference() -> None:
    page = shown("/docs")
    for guide in GUIDES:
        assert page.count(f'href="/docs/{guide.slug}"') == 2
    assert page.count(f'href="{REFERENCE}"') == 2


def test_the_reference_shows_every_call_and_webhook_with_an_anchor() -> None:
    page = unescape(shown(REFERENCE))
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            assert f"<b>{method.upper()}</b> <code>{path}</code>" in page
            anchor = operation["operationId"].lower()
            assert f'id="{anchor}"' in page
            assert f'href="#{anchor}"' in page
    for name in document()["webhooks"]:
        assert f"<code>{name}</code>" in page


def test_the_reference_shows_parameters_fields_and_errors() -> None:
    page = shown(REFERENCE)
    for piece in ("Idempotency-Key", "RateLimit", "webhook-signature", "resolution", "402"):
        assert piece in page
    assert "integer, 3 to 15, default 5" in page
    assert "&quot;720p&quot; | &quot;1080p&quot;" in page


@pytest.mark.parametrize("path", ["/docs", REFERENCE, *(f"/docs/{one.slug}" for one in GUIDES)])
def test_every_name_in_a_page_is_there_once_and_every_button_and_link_finds_its_own(
    path: str,
) -> None:
    page = shown(path)
    names = ids(page)
    assert sorted(set(names)) == sorted(names)
    for target in re.findall(r'(?:data-copy|href)="#([^"]+)"', page):
        assert target in names


def test_the_magic_words_are_those_of_test_mode() -> None:
    page = shown("/docs/test-mode")
    table = page.partition('id="magic-words"')[2].partition("</dl>")[0]
    assert set(re.findall(r"\[\w+\]", table)) == set(magic.WORDS) - UPSTREAM_ONLY


def test_code_is_tinted_and_stays_what_it_is() -> None:
    code = "x = \"a # b\"  # c's <d>\ny = 'http://e'  // f"
    markup = tinted(code)
    assert "<b>&quot;a # b&quot;</b>" in markup
    assert "<i># c&#x27;s &lt;d&gt;</i>" in markup
    assert unescape(re.sub(r"</?[bi]>", "", markup)) == code


def test_words_of_the_description_become_markup_and_no_more() -> None:
    assert words("**Keys.** Send `<key>`") == "<strong>Keys.</strong> Send <code>&lt;key&gt;</code>"
    assert paragraphs("a\n\n<b>\n") == "<p>a</p><p>&lt;b&gt;</p>"
