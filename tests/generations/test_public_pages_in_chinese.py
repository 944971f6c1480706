"""The public pages in Simplified Chinese: whole, and with the anchors that they have in English.

The description of the API stays English for programs.
"""

import re
from html import unescape

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation

from config.legal import NAMES
from generations.docs_pages import GUIDES
from generations.openapi.document import document
from generations.templatetags.samples import words
from tests import reference

pytestmark = pytest.mark.django_db

CHINESE = "zh-hans"
REFERENCE = "/docs/api"
GUIDE_PATHS = ["/docs", *(f"/docs/{one.slug}" for one in GUIDES)]
LEGAL_PATHS = [f"/{name}" for name in NAMES]
# Two words of English beside one another; names and code have none.
ENGLISH = re.compile(r"[A-Za-z]{3,} [a-z]{2,}")
HAN = re.compile(r"[\u4e00-\u9fff]")
INSTALL = re.compile(r"(pip|npm) install [\w ]+")


def shown(path: str, language: str = CHINESE, status: int = 200) -> str:
    answer = Client(headers={"accept-language": language}).get(path)
    assert answer.status_code == status
    return answer.content.decode()


def sentences(page: str) -> list[str]:
    """Return what stands between the marks of the main part, code left out."""
    main = page.partition("<main")[2].partition("</main>")[0]
    prose = re.sub(r"<(pre|code|script|svg)\b.*?</\1>", "", main, flags=re.DOTALL)
    return [unescape(text).strip() for text in re.findall(r">([^<>]+)<", prose)]


def ids(page: str) -> list[str]:
    return re.findall(r'\sid="([^"]+)"', page)


@pytest.mark.parametrize("path", ["/", REFERENCE, *GUIDE_PATHS, *LEGAL_PATHS])
def test_a_public_page_leaves_no_sentence_in_english(path: str) -> None:
    page = shown(path)
    assert f'<html lang="{CHINESE}">' in page
    said = [text for text in sentences(page) if text and not INSTALL.fullmatch(text)]
    assert sum(bool(HAN.search(text)) for text in said) > 10
    assert [text for text in said if ENGLISH.search(text) and not HAN.search(text)] == []


@pytest.mark.parametrize("path", ["/", REFERENCE, *GUIDE_PATHS, *LEGAL_PATHS])
def test_addresses_within_a_page_are_the_same_in_every_language(path: str) -> None:
    assert ids(shown(path)) == ids(shown(path, "en"))


@pytest.mark.parametrize("path", LEGAL_PATHS)
def test_what_the_operator_fills_in_stands_in_brackets_in_both_languages(path: str) -> None:
    marked = r"<mark>(\[[^<\]]+\])</mark>"
    chinese, english = (re.findall(marked, shown(path, one)) for one in (CHINESE, "en"))
    assert len(chinese) == len(english) > 0


def test_the_reference_says_kinds_and_places_in_chinese() -> None:
    page = unescape(shown(REFERENCE))
    for piece in ("3 至 15", "默认 5", "<small>查询参数</small>", "元素为 boolean"):
        assert piece in page
    assert '"720p" | "1080p"' in page


def test_the_docs_say_what_a_parameter_takes_in_chinese() -> None:
    page = unescape(shown("/docs"))
    for piece in ("影片的秒数。3 到 15 的整数", "影片的清晰度。可选 720p、1080p", "省略时为 5。"):
        assert piece in page


def test_the_description_stays_english_for_programs() -> None:
    english = Client().get("/api/schema").content
    shown(REFERENCE)
    assert Client(headers={"accept-language": CHINESE}).get("/api/schema").content == english
    with translation.override(CHINESE):
        # Made anew, and not what an English request made before.
        assert document.__wrapped__() == document()


def test_what_is_collected_for_translation_is_what_the_page_says() -> None:
    page = shown(REFERENCE, "en")
    texts = reference.texts()
    assert len(texts) > 150
    assert [text for text in texts if words(text) not in page] == []


@pytest.mark.parametrize("path", ["/nothing-here", "/docs/nothing"])
def test_a_page_that_is_not_there_says_so_in_chinese(path: str) -> None:
    assert "<h1>这里什么都没有</h1>" in shown(path, status=404)


def test_the_page_that_stands_alone_speaks_chinese_too() -> None:
    with translation.override(CHINESE):
        page = render_to_string("500.html")
    assert f'<html lang="{CHINESE}">' in page
    assert "<h1>我们这边出错了</h1>" in page
    assert '<html lang="en">' in render_to_string("500.html")


def test_a_phone_keeps_the_site_with_chinese_words() -> None:
    client = Client(headers={"accept-language": CHINESE})
    answer = client.get("/manifest.webmanifest")
    assert answer.json()["description"].startswith("一张图片进")
    assert "Accept-Language" in answer["Vary"]
