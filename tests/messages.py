"""Keep the catalogs of messages in step with the source: `python -m tests.messages [app …]`.

What is marked for translation is collected, every django.po gets what is new and loses what is
gone, and the django.mo beside it is compiled. With `--check` nothing is written: each fault is
printed and the answer is 1. With `--missing` the messages that wait for a translation are printed.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from config.settings import BASE_DIR
from tests import borrowed, reference

LOCALE = "zh_Hans"
HEADER = "# What the pages and mails say, in Simplified Chinese: python -m tests.messages"
# Each app's catalog, and the templates whose messages it holds.
TEMPLATES = {
    "accounts": ("account", "accounts", "mfa", "socialaccount", "usersessions", "mail"),
    "billing": ("billing",),
    "generations": ("generations",),
    "config": ("guides", "legal"),
}
# The operator's rooms speak English.
OPERATORS = ("migrations", "management", "desk", "reports", "admin.py")
# Messages that stand in no call of gettext; an app's name leads to functions that return them.
Source = Callable[[], Iterable[str | tuple[str, ...]]]
ELSEWHERE: dict[str, tuple[Source, ...]] = {
    "accounts": (borrowed.shown,),
    "config": (reference.texts,),
}

KEYWORDS = DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACE = re.compile(r"%\(\w+\)[a-z]|%[sd]|(?<!%)%%|\{\w*\}")
TAG = re.compile(r"<[^>]+>")
# Latin punctuation or quotes right after a Chinese character.
FOREIGN = re.compile(r"[\u4e00-\u9fff](?:[,;!?\"]|[.:](?!\w))")

Key = tuple[str | None, str]


class Messages(Catalog):
    """A catalog whose head says nothing that changes by itself."""

    mime_headers = property(
        lambda _: [
            ("Language", LOCALE),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            ("Plural-Forms", "nplurals=1; plural=0;"),
        ]
    )


def main(arguments: list[str]) -> int:
    """Bring the catalogs of the named apps, or of all, up to date, or say what is wrong."""
    apps = [name for name in arguments if not name.startswith("-")] or list(TEMPLATES)
    if "--missing" in arguments:
        print("\n".join(f"{app}: {text!r}" for app in apps for text in _missing(catalog(app))))
        return 0
    if "--check" in arguments:
        found = faults(apps)
        print("\n".join(found), file=sys.stderr, end="\n" if found else "")
        return 1 if found else 0
    for app in apps:
        for path, content in _files(app, catalog(app)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return 0


def faults(apps: Iterable[str]) -> list[str]:
    """Return what is wrong with the catalogs, a line each."""
    catalogs = {app: catalog(app) for app in apps}
    found = [
        f"{path.relative_to(BASE_DIR)} is out of date: run python -m tests.messages {app}"
        for app, messages in catalogs.items()
        for path, content in _files(app, messages)
        if not path.exists() or path.read_bytes() != content
    ]
    found += [
        f"{app}: {fault}" for app, messages in catalogs.items() for fault in said_badly(messages)
    ]
    return found + said_twice(catalogs.values())


def catalog(app: str) -> Catalog:
    """Return what the source of this app asks for, with the translations that there are."""
    kept = _kept(app)
    fresh = Messages(locale=LOCALE, header_comment=HEADER, fuzzy=False)
    for key, (message, files) in sorted(_asked(app).items(), key=_by_words):
        before = kept.get(key[1], key[0])
        fresh.add(
            message,
            before.string if before and _alike(before, message) else None,
            locations=[(name, 0) for name in sorted(files)],
            flags=before.flags if before else (),
            user_comments=before.user_comments if before else (),
            context=key[0],
        )
    return fresh


def _by_words(asked: tuple[Key, object]) -> tuple[str, str]:
    (context, text), _ = asked
    return text, context or ""


def _kept(app: str) -> Catalog:
    path = _folder(app) / "django.po"
    if not path.exists():
        return Messages(locale=LOCALE)
    with path.open("rb") as file:
        return read_po(file, locale=LOCALE, ignore_obsolete=True)


def _alike(before: Message, message: str | tuple[str, ...]) -> bool:
    """Return whether both have a plural, or neither has."""
    return isinstance(before.id, str) == isinstance(message, str)


def _asked(app: str) -> dict[Key, tuple[str | tuple[str, ...], set[str]]]:
    """Return every message of the source with the names of the files that ask for it."""
    asked: dict[Key, tuple[str | tuple[str, ...], set[str]]] = {}
    for name, source in _sources(app):
        for context, message in asked_in(source):
            key = (context, message if isinstance(message, str) else message[0])
            before, files = asked.get(key, (message, set()))
            # One that is asked for with and without a plural is kept with it.
            asked[key] = (before if isinstance(before, tuple) else message, files | {name})
    for source_of in ELSEWHERE.get(app, ()):
        for text in source_of():
            key = (None, text if isinstance(text, str) else text[0])
            asked.setdefault(key, (text, {source_of.__module__}))
    return asked


def asked_in(source: bytes) -> Iterator[tuple[str | None, str | tuple[str, ...]]]:
    """Yield the context and the text, or both forms of it, of each message that Python asks for."""
    for _, message, _, context in extract("python", BytesIO(source), KEYWORDS):
        yield context, message if isinstance(message, str) else tuple(message)


def as_python(template: Path) -> bytes:
    """Return calls of gettext, in Python, for what a template has translated."""
    text = templatize(template.read_text(), origin=template.name)
    # What is left of the markup must not look like a block of Python.
    return "\n".join(map(str.strip, text.splitlines())).encode()


def _sources(app: str) -> Iterator[tuple[str, bytes]]:
    """Yield the Python files of this app, and its templates as Python."""
    for path in sorted((BASE_DIR / app).rglob("*.py")):
        if not set(path.relative_to(BASE_DIR / app).parts) & set(OPERATORS):
            yield _name(path), path.read_bytes()
    for path in _templates(app):
        yield _name(path), as_python(path)


def _templates(app: str) -> Iterator[Path]:
    root = BASE_DIR / "templates"
    for folder in TEMPLATES[app]:
        yield from sorted(path for path in (root / folder).rglob("*") if _is_template(path))
    if app == "config":
        yield from sorted(path for path in root.iterdir() if _is_template(path))


def _is_template(path: Path) -> bool:
    return path.suffix in {".html", ".txt"} and "samples" not in path.parts


def _name(path: Path) -> str:
    return path.relative_to(BASE_DIR).as_posix()


def _folder(app: str) -> Path:
    return BASE_DIR / app / "locale" / LOCALE / "LC_MESSAGES"


def _files(app: str, messages: Catalog) -> Iterator[tuple[Path, bytes]]:
    """Yield both files of a catalog as they should be."""
    text, compiled = BytesIO(), BytesIO()
    write_po(text, messages, width=98, include_lineno=False)
    write_mo(compiled, messages)
    yield _folder(app) / "django.po", text.getvalue().strip() + b"\n"
    yield _folder(app) / "django.mo", compiled.getvalue()


def _missing(messages: Catalog) -> list[str]:
    return [_source(one) for one in messages if one.id and not all(_said(one))]


def said_badly(messages: Catalog) -> Iterator[str]:
    """Yield what is missing or wrong in the translations of a catalog, a line each."""
    for message in messages:
        if not message.id:
            continue
        source, said = _source(message), _said(message)
        if message.fuzzy or not all(said):
            yield f"{source!r} has no translation"
            continue
        for text in said:
            for what, pattern in (("placeholders", PLACE), ("tags", TAG)):
                if Counter(pattern.findall(text)) != Counter(pattern.findall(source)):
                    yield f"{source!r} and {text!r} differ in their {what}"
            if FOREIGN.search(TAG.sub("", text)):
                yield f"{text!r} has Latin punctuation in Chinese text"


def said_twice(catalogs: Iterable[Catalog]) -> list[str]:
    """Return what two catalogs translate differently: Django keeps one of them for both."""
    said: defaultdict[Key, set[tuple[str, ...]]] = defaultdict(set)
    for catalog_ in catalogs:
        for message in catalog_:
            if message.id and all(_said(message)):
                said[message.context, _source(message)].add(_said(message))
    return [
        f"{text!r} has several translations: {sorted(found)}"
        for (_, text), found in said.items()
        if len(found) > 1
    ]


def _source(message: Message) -> str:
    """Return the text that its translation must match: of a plural, the form for many."""
    return message.id if isinstance(message.id, str) else message.id[-1]


def _said(message: Message) -> tuple[str, ...]:
    """Return the translation, empty where there is none."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
