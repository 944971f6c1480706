"""The gallery finds films: by words, by filters, in every order, page after page, and safely."""

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import keys
from generations import failures, gallery, lifecycle, line, pace
from generations.gallery_form import GalleryForm
from generations.models import Generation
from tests.cast import Customer, tester
from tests.generations import stage
from tests.generations.wall import START, film, hang, shown

HTMX = {"HX-Request": "true"}
QUERIES_MAX = 6


def page(customer: Customer, **asked: Any) -> str:
    answer = customer.browser.get(f"/gallery?{urlencode(asked)}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def found(customer: Customer, **asked: Any) -> list[str]:
    """Return the prompts of the films that the gallery shows, in its order."""
    ids = shown(page(customer, **asked))
    prompts = {str(job.pk): job.inputs["prompt"] for job in Generation.objects.all()}
    return [prompts[pk] for pk in ids]


def more(markup: str) -> str | None:
    """Return the address of the next page."""
    link = re.search(r'rel="next" href="([^"]+)"', markup)
    return html.unescape(link[1]) if link else None


@pytest.fixture
def hung(alice: Customer) -> list[Generation]:
    """Five films that differ in all that can be asked for; the oldest first."""
    return hang(
        alice.account,
        {"prompt": "A grey horse gallops", "seconds": 5},
        {"prompt": "the sea, calm", "resolution": "1080p", "user": alice.user},
        {"prompt": "Horses at sea", "seconds": 15, "favourite": True},
        {"prompt": "A city", "title": "Horsepower", "created_at": START + timedelta(days=2)},
        {"prompt": "a dune", "duration_ms": 14_958, "created_at": START + timedelta(days=3)},
    )


def test_the_newest_come_first_unless_another_order_is_wanted(
    alice: Customer, hung: list[Generation]
) -> None:
    newest = ["a dune", "A city", "Horses at sea", "the sea, calm", "A grey horse gallops"]
    assert found(alice) == newest
    assert found(alice, sort="oldest") == newest[::-1]
    assert found(alice, sort="longest") == [
        *("a dune", "Horses at sea", "A grey horse gallops", "A city", "the sea, calm"),
    ]


@pytest.mark.parametrize(
    ("asked", "prompts"),
    [
        ({"resolution": "1080p"}, ["the sea, calm"]),
        ({"length": "15"}, ["a dune", "Horses at sea"]),
        ({"favourite": "on"}, ["Horses at sea"]),
        ({"since": "2026-03-03"}, ["a dune", "A city"]),
        ({"since": "2026-03-03", "until": "2026-03-03"}, ["A city"]),
        ({"until": "2026-03-01", "length": "15"}, ["Horses at sea"]),
        ({"status": "failed"}, []),
        ({"q": "horse"}, ["A city", "Horses at sea", "A grey horse gallops"]),
        ({"q": "HORSES"}, ["Horses at sea"]),
        ({"q": "sea horse"}, ["Horses at sea"]),
        ({"q": "sea,"}, ["Horses at sea", "the sea, calm"]),
        ({"q": "horse", "sort": "oldest", "resolution": "720p", "length": "5"}, [
            "A grey horse gallops"]),
        ({"q": "orse"}, []),
    ],
)  # fmt: skip
def test_each_filter_leaves_what_fits(
    asked: dict[str, str], prompts: list[str], alice: Customer, hung: list[Generation]
) -> None:
    assert found(alice, **asked) == prompts


def test_films_are_found_by_who_or_what_made_them(alice: Customer) -> None:
    _, _ = keys.issue(alice.account, alice.user, "render farm")
    farm, other = [maker for maker in gallery.makers(alice.account) if "key" in maker.name]
    assert {farm.title, other.title} == {"render farm", "tests"}
    number = int(farm.name.partition("-")[2])
    hang(
        alice.account,
        {"prompt": "mine", "user": alice.user},
        {"prompt": "its", "api_key_id": number},
    )

    assert found(alice, by=farm.name) == ["its"]
    assert found(alice, by=f"user-{alice.user.pk}") == ["mine"]
    assert "By render farm" in page(alice, by=farm.name)
    assert "alice@example.org" in page(alice)


def test_nobody_else_is_named_as_a_maker(alice: Customer, charlie: Customer) -> None:
    hang(charlie.account, {"prompt": "x"})
    names = [maker.title for maker in gallery.makers(charlie.account)]
    assert names == ["charlie@example.org", "tests"]
    twin = tester(charlie)
    assert [maker.title for maker in gallery.makers(twin.account)] == names


def test_no_question_finds_the_films_of_others(alice: Customer, charlie: Customer) -> None:
    hang(
        alice.account, {"prompt": "horse", "title": "horse", "favourite": True, "user": alice.user}
    )
    place = gallery.Place(None, timezone.now(), uuid4())
    for asked in (
        {"q": "horse"},
        {"q": str(alice.account.pk)},
        {"favourite": "on"},
        {"by": f"user-{alice.user.pk}"},
        {"after": str(place)},
        {"sort": "longest", "after": f"99-{place}"},
    ):
        assert found(charlie, **asked) == []


ODD_WORDS = (
    *("'", "''", "\\", "\\'", "%", "_", "horse'--", "' OR 1=1 --", "a & b", "!horse", "|", "&"),
    *("(horse", "horse)", ":*", "horse:*", "horse:A", "<->", "<0>", '"', '"grey horse', "-sea"),
    *("$$", "{}", "\ud7ff", "🐎", "\uffff", "horse\thorse", "   ", "x" * 200, "a " * 99, "../.."),
    *("http://example.com/a?b=c", "1e999", "2026-03-01", "a@b.example", "%s", "%(a)s", "\x01"),
    "<script>alert(1)</script>",
)


def test_no_words_break_the_search(alice: Customer, hung: list[Generation]) -> None:
    browser, own = alice.browser, {str(job.pk) for job in hung}
    for words in ODD_WORDS:
        answer = browser.get("/gallery", {"q": words})
        assert answer.status_code == 200, words
        markup = answer.content.decode()
        assert set(shown(markup)) <= own, words
        assert "<script>alert" not in markup


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"q": "a\x00b"}, "Null characters are not allowed."),
        ({"q": "x" * 201}, "at most 200 characters"),
        ({"since": "yesterday"}, "Enter a valid date."),
        ({"until": "0001-01-01"}, "Give a day such as 2026-01-31."),
        ({"until": "9999-12-31"}, "Give a day such as 2026-01-31."),
    ],
)
def test_what_cannot_be_asked_is_said_beside_its_field(
    asked: dict[str, str], says: str, alice: Customer, hung: list[Generation]
) -> None:
    markup = page(alice, **asked)
    assert says in markup
    assert 'aria-invalid="true"' in markup
    assert len(shown(markup)) == len(hung)


@pytest.mark.parametrize(
    "asked",
    [
        *({"status": "x"}, {"resolution": "9p"}, {"length": "99"}, {"length": "x"}, {"sort": "x"}),
        *({"by": "key-"}, {"by": "key-1;"}, {"by": "key-" + "9" * 19}, {"by": "user-1\n"}),
        *({"after": "x"}, {"after": "-1-" + "0" * 32}, {"after": "1" * 18 + "-" + "0" * 32}),
        *({"after": "5-123-" + "0" * 32}, {"sort": "longest", "after": "123-" + "0" * 32}),
        {"deleted": "9" * 30},
    ],
)
def test_nonsense_is_left_out(
    asked: dict[str, str], alice: Customer, hung: list[Generation]
) -> None:
    assert len(found(alice, **asked)) == len(hung)


def test_a_maker_of_the_largest_number_finds_nothing(
    alice: Customer, hung: list[Generation]
) -> None:
    assert found(alice, by="key-" + "9" * 18) == []


@pytest.mark.parametrize("sort", ["newest", "oldest", "longest"])
def test_page_after_page_shows_each_film_once_in_order(
    sort: str, alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "PAGE", 3)
    # Many of one moment and of one length: only the id tells them apart.
    films = [
        {"seconds": 3 + n % 2, "created_at": START + timedelta(minutes=n // 4)} for n in range(11)
    ]
    wall = hang(alice.account, *({"prompt": "film", **one} for one in films))
    order = {"longest": lambda job: (job.inputs["duration"], job.created_at, job.pk)}
    wall.sort(key=order.get(sort, lambda job: (job.created_at, job.pk)), reverse=sort != "oldest")

    browser = alice.browser
    for asked in ({}, {"q": "film"}, {"resolution": "720p"}):
        markup = browser.get("/gallery", {"sort": sort, **asked}).content.decode()
        pages = [shown(markup)]
        while address := more(markup):
            markup = browser.get(address, headers=HTMX).content.decode()
            assert "<html" not in markup
            pages.append(shown(markup))
        assert [len(each) for each in pages] == [3, 3, 3, 2]
        assert [pk for each in pages for pk in each] == [str(job.pk) for job in wall]


def test_a_days_heading_stands_once(alice: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "PAGE", 2)
    hang(alice.account, *({"created_at": START + timedelta(days=n // 3)} for n in range(5)))

    first = page(alice)
    second = alice.browser.get(str(more(first)), headers=HTMX).content.decode()

    assert re.findall(r'class="day">([^<]+)', first) == ["2 March 2026"]
    assert re.findall(r'class="day">([^<]+)', second) == ["1 March 2026"]
    assert 'class="day"' not in page(alice, sort="longest")


def test_a_film_that_comes_meanwhile_moves_nothing(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "PAGE", 2)
    wall = hang(alice.account, {}, {}, {})
    address = str(more(page(alice)))

    film(alice.account, created_at=timezone.now()).save(force_insert=True)

    assert shown(alice.browser.get(address).content.decode()) == [str(wall[0].pk)]


def test_an_empty_wall_says_what_to_do(alice: Customer, hung: list[Generation]) -> None:
    nothing = page(alice, q="zebra")
    assert "No film is like that" in nothing
    assert "“zebra”" in nothing
    assert 'href="/gallery">Show everything' in nothing
    Generation.objects.all().delete()
    assert "Your first film goes here" in page(alice)
    last = gallery.Place(None, START, uuid4())
    assert "That was the last one" in page(alice, after=str(last))


def test_a_filter_is_taken_away_by_its_chip(alice: Customer, hung: list[Generation]) -> None:
    markup = page(alice, q="horse", resolution="720p", favourite="on")
    chips = re.findall(r'class="chip" href="([^"]+)"', markup)
    assert [html.unescape(chip) for chip in chips] == [
        "/gallery?resolution=720p&favourite=on",
        "/gallery?q=horse&favourite=on",
        "/gallery?q=horse&resolution=720p",
    ]
    assert GalleryForm({"status": "ready", "sort": "newest", "q": " "}).query == ""


def test_failed_and_running_jobs_are_filters_too(alice: Customer) -> None:
    waiting, failed = stage.job(alice), stage.job(alice)
    cancelled = stage.job(alice)
    lifecycle.fail(failed, failures.MODERATED)
    lifecycle.cancel(cancelled)

    assert shown(page(alice, status="making")) == [str(waiting.pk)]
    markup = page(alice, status="failed")
    assert shown(markup) == [str(cancelled.pk), str(failed.pk)]
    assert "Cancelled, not charged" in markup
    assert "Failed, not charged" in markup
    assert shown(page(alice)) == [str(waiting.pk)]


def test_of_many_that_are_made_the_newest_are_shown(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery, "MAKING", 2)
    jobs = [stage.job(alice) for _ in range(3)]

    markup = page(alice)

    assert shown(markup) == [str(jobs[2].pk), str(jobs[1].pk)]
    assert "All that are being made" in markup
    assert len(shown(page(alice, status="making"))) == 3


@pytest.mark.parametrize(
    "asked",
    [
        *({}, {"q": "film"}, {"resolution": "720p", "sort": "longest"}, {"favourite": "on"}),
        {"status": "failed"},
    ],
)
def test_however_many_films_there_are_the_questions_are_as_few(
    asked: dict[str, str], alice: Customer
) -> None:
    browser, counts = alice.browser, []
    for number in (1, 30):
        hang(alice.account, *({"prompt": "film", "favourite": True} for _ in range(number)))
        with CaptureQueriesContext(connection) as captured:
            markup = browser.get("/gallery", asked).content.decode()
        counts.append(len(captured))
        address = more(markup)
        if address:
            with CaptureQueriesContext(connection) as captured:
                browser.get(address, headers=HTMX)
            assert len(captured) < counts[0]
    assert counts[0] == counts[1] <= QUERIES_MAX


def test_what_is_being_made_costs_the_same_for_many(
    alice: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "FRESH_SECONDS", 1e-9)
    browser, counts = alice.browser, []
    for _ in range(2):
        stage.job(alice), stage.job(alice)
        pace.forget()
        with CaptureQueriesContext(connection) as captured:
            browser.get("/gallery")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def plan(films: Any) -> str:
    """Return how the database would read these films if its tables were large."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    return str(films.explain())


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "generation_shown"),
        ({"sort": "oldest"}, "generation_shown"),
        ({"sort": "longest"}, "generation_by_length"),
        ({"length": 5}, "generation_by_length"),
        ({"resolution": "720p"}, "generation_by_resolution"),
        ({"by": "key-1"}, "generation_by_key"),
        ({"by": "user-1"}, "generation_by_member"),
        ({"favourite": True}, "generation_favourites"),
    ],
)
def test_each_filter_and_order_has_an_index_that_needs_no_sorting(
    asked: dict[str, Any], index: str, alice: Customer
) -> None:
    order = gallery.ORDERS[asked.get("sort", "newest")]
    rises = asked.get("sort") == "oldest"
    films = gallery.chosen(alice.account, asked).order_by(
        *(name if rises else f"-{name}" for name in order)
    )
    # With hardly a row, reading them all by another index and dropping some looks as cheap.
    others = {"generation_newest", "generation_shown"} - {index}
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {', '.join(sorted(others))}")
    found_plan = plan(films[:25])
    assert index in found_plan
    assert "Sort" not in found_plan


def test_the_words_have_an_index_of_their_own(alice: Customer, bob: Customer) -> None:
    hang(alice.account, *({"prompt": f"horse number{n}"} for n in range(1000)))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE generations_generation")
        cursor.execute("SET LOCAL enable_seqscan = off")

    plans = [
        str(
            gallery.chosen(one.account, {"q": "number777"}).order_by("-created_at", "-id").explain()
        )
        for one in (alice, bob)
    ]

    assert "generation_words" in plans[0]
    # The account is among the words that are looked up, so others' films cost nothing.
    assert f"'{bob.account.pk}'" in plans[1].replace("''", "'")
