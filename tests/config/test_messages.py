"""The catalogs of messages are complete, and in step with the source."""

from pathlib import Path

import pytest

from tests import messages


def test_every_message_has_its_translation() -> None:
    assert messages.faults(messages.TEMPLATES) == []


@pytest.mark.parametrize(
    ("source", "said", "fault"),
    [
        ("Saved.", "", "has no translation"),
        ("%(sum)s is held.", "已预留。", "differ in their placeholders"),
        ("<strong>Saved.</strong>", "已保存。", "differ in their tags"),
        ("Saved, and sent.", "已保存, 已发送。", "has Latin punctuation"),
    ],
)
def test_a_bad_translation_is_a_fault(source: str, said: str, fault: str) -> None:
    catalog = messages.Messages(locale=messages.LOCALE)
    catalog.add(source, said)
    (found,) = messages.said_badly(catalog)
    assert fault in found


def test_what_two_catalogs_say_differently_is_a_fault() -> None:
    once, again = (messages.Messages(locale=messages.LOCALE) for _ in range(2))
    once.add("Seed", "种子")
    again.add("Seed", "随机种子")
    assert messages.said_twice([once, once]) == []
    (found,) = messages.said_twice([once, again])
    assert "Seed" in found


def test_a_template_is_read_as_its_tags_say(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "{% load i18n %}\n   <p title=\"{% translate 'Seed' %}\">{{ word|default:_('None') }}</p>\n"
        "{% blocktranslate trimmed count jobs=jobs %}\n  One job\n{% plural %}\n"
        "  {{ jobs }} jobs\n{% endblocktranslate %}{% translate 'Open' context 'a shop' %}"
    )
    found = list(messages.asked_in(messages.as_python(page)))
    assert found == [
        (None, "Seed"),
        (None, "None"),
        (None, ("One job", "%(jobs)s jobs")),
        ("a shop", "Open"),
    ]
