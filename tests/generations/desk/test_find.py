"""Search and an account's story: found by whatever an operator was told."""

from typing import Any
from urllib.parse import quote

import pytest

from generations.desk import finding, story
from tests.access.possessions import Things, things_of
from tests.cast import Customer
from tests.generations import stage
from tests.generations.desk.operators import address, helper, said


@pytest.fixture
def hers(alice: Customer, sandbox: str) -> Things:
    return things_of(alice)


def found(words: str, asker: Customer) -> set[str]:
    return {hit.address for hit in finding.search(words, asker.user)}


def test_everything_is_found_by_what_it_is_called(hers: Things, olga: Customer) -> None:
    owner, job, key = hers.owner, hers.job, hers.key
    story = f"/admin/story/account/{owner.account.pk}/"
    film = f"/admin/generations/generation/{job.pk}/change/"
    purchase = f"/admin/billing/purchase/{hers.purchase.pk}/change/"
    for words, place in {
        owner.user.email: story,
        "ALICE@exam": story,
        str(owner.account.pk): story,
        f" {owner.account.pk.hex} ": story,
        str(job.pk): film,
        job.pk.hex: film,
        f"generation:{job.pk.hex}": film,
        key.prefix: f"/admin/accounts/apikey/{key.pk}/change/",
        key.prefix[:10]: f"/admin/accounts/apikey/{key.pk}/change/",
        owner.secret: f"/admin/accounts/apikey/{key.pk}/change/",
        "pi_of_hers": purchase,
        "cs_of_hers": purchase,
        str(hers.purchase.pk): purchase,
        f"msg_{hers.delivery.event_id.hex}": (
            f"/admin/accounts/webhookdelivery/{hers.delivery.pk}/change/"
        ),
    }.items():
        assert place in found(words, olga), words


def test_a_job_is_found_by_the_upstreams_id(alice: Customer, olga: Customer) -> None:
    job = stage.processing(alice, "up-0815")
    assert found("up-0815", olga) == {f"/admin/generations/generation/{job.pk}/change/"}


@pytest.mark.parametrize("words", ["", "%", "%%", "__", "a\x00", "' OR 1=1 --", "\\", "%@%"])
def test_signs_of_a_pattern_find_nothing(hers: Things, olga: Customer, words: str) -> None:
    assert found(words, olga) == set()


def test_only_what_may_be_seen_is_found(hers: Things) -> None:
    clerk = helper("clerk", "view_account")
    assert found(hers.job.pk.hex, clerk) == set()
    assert len(found(hers.owner.user.email, clerk)) == 1
    assert clerk.browser.get("/admin/find/?q=alice").status_code == 200
    assert helper("other", "view_generation").browser.get("/admin/find/").status_code == 403


def test_what_was_typed_is_written_as_text(olga: Customer) -> None:
    page: Any = olga.browser.get("/admin/find/", {"q": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in page.content.decode()


def test_a_story_tells_everything_newest_first(hers: Things, olga: Customer) -> None:
    account = hers.owner.account
    olga.browser.post(address("account", "freeze", account), said("Looks stolen"))
    page: Any = olga.browser.get(f"/admin/story/account/{account.pk}/")
    lines = page.context["lines"]
    assert lines == sorted(lines, key=lambda line: line.at, reverse=True)
    told = " | ".join(line.words for line in lines)
    for words in (
        "Film asked for on the website",
        "Purchase of $25.00 begun",
        "Promotion: for alice",
        f"Key tests ({hers.key.prefix}…) made",
        "Webhook added",
        "olga@example.org froze an account: Looks stolen",
    ):
        assert words in told, words
    assert "Account opened" in told
    assert hers.owner.secret not in page.content.decode()


def test_a_long_story_goes_on(
    alice: Customer, olga: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = stage.upload(alice)
    jobs = {stage.job(alice, upload).pk for _ in range(9)}
    whole = story.of(alice.account)
    monkeypatch.setattr(story, "LINES_MAX", 4)
    told, more = [], "?"
    while more:
        page: Any = olga.browser.get(f"/admin/story/account/{alice.account.pk}/{more}")
        told += page.context["lines"]
        before = page.context["more"]
        more = f"?before={quote(before)}" if before else ""
    assert told == whole
    assert len([line for line in told if "Film asked" in line.words]) == len(jobs)
