"""Samples of code in the guides: real files, shown in the languages that they come in."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_noop

register = template.Library()

FOLDER = Path(settings.BASE_DIR) / "templates" / "guides" / "samples"
# Strings first: what looks like a comment inside of one is none.
PARTS = re.compile(
    r"""(?P<b>"(?:\\.|[^"\\])*"|'[^']*'|`[^`]*`)|(?P<i>(?:^|(?<=\s))(?:\#|//)[^\n]*)""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Language:
    """One tab: its word, the ending of its files, and what to install first."""

    word: str
    ending: str
    title: str


LANGUAGES = (
    Language("curl", "sh", gettext_noop("In a shell")),
    Language("Python", "py", "Python"),
    Language("JavaScript", "mjs", gettext_noop("Node 18 or newer, on a server")),
)
# What a file takes from a registry is said above it.
PACKAGES = {
    "py": ("wavespeed", "httpx", "standardwebhooks"),
    "mjs": ("wavespeed", "standardwebhooks"),
}
INSTALL = {"py": "pip install", "mjs": "npm install"}


@register.inclusion_tag("guides/_samples.html")
def samples(name: str) -> dict[str, object]:
    """Show the files of this name, a tab for each language that there is."""
    tabs = [
        {"word": one.word, "title": _title(one, text), "code": tinted(text)}
        for one in LANGUAGES
        if (text := _text(f"{name}.{one.ending}"))
    ]
    return {"name": name, "tabs": tabs}


@register.filter
def tinted(code: str) -> SafeString:
    """Return code as markup, with its strings in <b> and its comments in <i>."""
    markup, end = [], 0
    for part in PARTS.finditer(code):
        mark = part.lastgroup
        markup += [escape(code[end : part.start()]), f"<{mark}>{escape(part.group())}</{mark}>"]
        end = part.end()
    # Every piece of the code was escaped on its way in.
    return mark_safe("".join([*markup, escape(code[end:])]))  # noqa: S308


@register.filter
def words(text: str) -> SafeString:
    """Return a sentence as markup: `code` and **strong** as the description writes them."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    # Escaped above; what is added are two harmless elements.
    return mark_safe(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked))  # noqa: S308


@register.filter
def paragraphs(text: str) -> SafeString:
    """Return a text with blank lines as paragraphs of markup."""
    parts = [f"<p>{words(part)}</p>" for part in text.strip().split("\n\n")]
    return mark_safe("".join(parts))  # noqa: S308  made of escaped words


def _title(language: Language, text: str) -> str:
    needed = [
        package
        for package in PACKAGES.get(language.ending, ())
        if re.search(rf"""(from|import) ["']?{package}\b""", text)
    ]
    return f"{INSTALL[language.ending]} {' '.join(needed)}" if needed else gettext(language.title)


@cache
def _text(name: str) -> str:
    path = FOLDER / name
    return path.read_text().strip() if path.exists() else ""
