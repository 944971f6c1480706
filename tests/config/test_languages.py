"""Which language a page speaks, and a mail; programs are always answered in English."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone, translation

from accounts import letters
from accounts.models import Membership, User
from config import outbound
from config.stored_words import StoredWords
from generations import failures, images
from generations.catalog import IMAGE_BYTES_MAX
from generations.models import Generation
from tests.cast import PASSWORD, Customer
from tests.generations import stage

pytestmark = pytest.mark.django_db

ENGLISH, CHINESE = '<html lang="en">', '<html lang="zh-hans">'
JSON = "application/json"
CHINESE_BROWSER = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


def page_of(answer: Any) -> str:
    return str(answer.content.decode())


def choose(browser: Client, language: str, sent_from: str = "http://testserver/") -> Any:
    return browser.post("/account/language", {"language": language}, headers={"Referer": sent_from})


def test_a_page_speaks_english_to_who_asks_for_nothing_or_for_what_we_do_not_speak() -> None:
    for asked in ({}, {"Accept-Language": "fi"}, {"Accept-Language": "en-GB,en;q=0.9"}):
        answer = Client(headers=asked).get("/")
        assert ENGLISH in page_of(answer)
        assert answer.headers["Content-Language"] == "en"


@pytest.mark.parametrize("asked", ["zh-CN", "zh", "zh-Hans-SG", "fr,zh-TW;q=0.8,en;q=0.5"])
def test_a_page_speaks_chinese_to_a_browser_that_asks_for_it(asked: str) -> None:
    answer = Client(headers={"Accept-Language": asked}).get("/account/login/")
    assert CHINESE in page_of(answer)
    assert "登录" in page_of(answer)
    assert answer.headers["Content-Language"] == "zh-hans"


def test_a_page_says_to_caches_what_its_language_depends_on() -> None:
    vary = {one.strip() for one in Client().get("/").headers["Vary"].split(",")}
    assert {"Accept-Language", "Cookie"} <= vary


def test_the_switch_is_kept_in_a_cookie_and_leads_back_to_its_page() -> None:
    browser = Client(headers={"Accept-Language": "en"})
    page = browser.get("/docs?from=here")
    assert 'value="zh-hans" lang="zh-hans">简体中文</button>' in page_of(page)
    # Else the browser would not say from which page the form was sent.
    assert page.headers["Referrer-Policy"] == "same-origin"

    answer = choose(browser, "zh-hans", sent_from="http://testserver/docs?from=here")
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        "http://testserver/docs?from=here",
    )
    kept = browser.cookies["language"]
    assert (kept.value, kept["httponly"], kept["samesite"]) == ("zh-hans", True, "Lax")
    assert CHINESE in page_of(browser.get("/"))
    choose(browser, "en")
    assert ENGLISH in page_of(browser.get("/"))


def test_the_cookie_counts_more_than_what_the_browser_asks_for() -> None:
    browser = Client(headers=CHINESE_BROWSER)
    choose(browser, "en")
    assert ENGLISH in page_of(browser.get("/"))


@pytest.mark.parametrize("language", ["", "fi", "zh-hans\n", "../zh-hans"])
def test_a_language_that_we_do_not_speak_changes_nothing(alice: Customer, language: str) -> None:
    browser = alice.browser
    assert choose(browser, language).status_code == 400
    assert "language" not in browser.cookies
    assert User.objects.get(pk=alice.user.pk).language == ""
    assert ENGLISH in page_of(browser.get("/"))


def test_the_switch_leads_to_no_foreign_page() -> None:
    assert choose(Client(), "zh-hans", "https://else.example/").headers["Location"] == "/"


def test_an_answer_to_a_form_offers_no_switch_because_none_leads_back_to_it() -> None:
    switch = 'name="language"'
    assert switch in page_of(Client().get("/account/login/"))
    answer = Client().post("/account/login/", {"login": "x", "password": "y"})
    assert answer.status_code == 200
    assert switch not in page_of(answer)


def test_the_switch_takes_no_get() -> None:
    assert Client().get("/account/language").status_code == 405


def test_no_foreign_page_can_switch() -> None:
    browser = Client(enforce_csrf_checks=True)
    assert choose(browser, "zh-hans").status_code == 403
    assert "language" not in browser.cookies


def test_the_switch_of_who_is_signed_in_is_their_choice_everywhere(alice: Customer) -> None:
    choose(alice.browser, "zh-hans")
    assert User.objects.get(pk=alice.user.pk).language == "zh-hans"
    assert CHINESE in page_of(alice.browser.get("/gallery"))


def test_a_users_own_choice_counts_more_than_cookie_and_browser(alice: Customer) -> None:
    User.objects.filter(pk=alice.user.pk).update(language="en")
    browser = alice.browser
    browser.cookies["language"] = "zh-hans"
    assert ENGLISH in page_of(browser.get("/gallery", headers=CHINESE_BROWSER))
    User.objects.filter(pk=alice.user.pk).update(language="")
    assert CHINESE in page_of(browser.get("/gallery"))


def test_a_choice_that_we_do_not_speak_any_more_is_none(alice: Customer) -> None:
    User.objects.filter(pk=alice.user.pk).update(language="fi")
    assert CHINESE in page_of(alice.browser.get("/gallery", headers=CHINESE_BROWSER))


def test_the_profile_offers_every_language(alice: Customer) -> None:
    browser = alice.browser
    browser.post("/account/profile", {"name": "Alice", "language": "zh-hans"})
    assert "已保存" in page_of(browser.get("/account/profile"))


def test_as_my_browser_asks_forgets_what_was_chosen_in_the_foot_of_a_page(alice: Customer) -> None:
    browser = alice.browser
    choose(browser, "zh-hans")
    browser.post("/account/profile", {"name": "Alice", "language": ""})
    assert ENGLISH in page_of(browser.get("/account/profile"))


def test_who_signs_up_in_chinese_is_written_to_in_chinese() -> None:
    browser = Client(headers=CHINESE_BROWSER)
    said = {"email": "mei@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert browser.post("/account/signup/", said).status_code == 302
    assert User.objects.get(email="mei@example.org").language == "zh-hans"
    assert "验证" in f"{mail.outbox[-1].subject} {mail.outbox[-1].body}"


def test_a_mail_to_an_account_speaks_to_each_reader(alice: Customer) -> None:
    mei = User.objects.create_user("mei@example.org", language="zh-hans")
    Membership.objects.create(account=alice.account, user=mei, role=Membership.Role.ADMIN)
    film = stage.job(alice)
    everybody = tuple(Membership.Role)

    letters.send(alice.account, everybody, "generations/mail/film_ready", film=film, words="")

    subjects = {one.to[0]: one.subject for one in mail.outbox}
    assert subjects[alice.user.email] == "Your film is ready"
    assert subjects[mei.email] == "你的影片已完成"


@pytest.mark.parametrize("address", ["/api/v3/balance", "/api/v3/nothing", "/api/v3/schema.json"])
def test_a_program_is_answered_in_english(alice: Customer, address: str) -> None:
    answers = [Client(headers=alice.bearer | asked).get(address) for asked in ({}, CHINESE_BROWSER)]
    said = [answer.json().get("message", answer.json()) for answer in answers]
    assert said[0] == said[1]
    assert "Content-Language" not in answers[1].headers


def test_a_program_is_refused_in_english_also_right_after_a_chinese_page(alice: Customer) -> None:
    Client(headers=CHINESE_BROWSER).get("/")
    assert translation.get_language() == "en"
    program = Client(headers=alice.bearer | CHINESE_BROWSER)
    answer = program.post(stage.MODEL, stage.body(stage.upload(alice), resolution="4k"), JSON)
    assert answer.status_code == 400
    assert 'must be one of ["720p", "1080p"]' in answer.json()["message"]


def test_the_operators_rooms_speak_english(alice: Customer) -> None:
    User.objects.filter(pk=alice.user.pk).update(
        language="zh-hans", is_staff=True, is_superuser=True
    )
    for address in ("/admin/", "/styleguide"):
        answer = alice.browser.get(address, headers=CHINESE_BROWSER)
        assert answer.headers["Content-Language"] == "en"


def _kept() -> list[str]:
    """Return sentences as a job keeps them, with all kinds of parts."""
    parts = {"host": "example.org", "size": 9, "status": 404, "megabytes": 10, "pixels": 280}
    parts |= {"least": 300, "width": 30_000, "height": 100, "millions": 60}
    pictures = [sentence % parts for sentence in (*images.SENTENCES, *outbound.SENTENCES)]
    known = [one.sentence for one in vars(failures).values() if isinstance(one, failures.Failure)]
    return [*known, *pictures, *(f"{failures.PICTURE_NOT_READ} {one}" for one in pictures)]


def test_whatever_a_job_keeps_of_its_failure_is_told_in_the_readers_language() -> None:
    assert len(_kept()) > 40
    with translation.override("zh-hans"):
        told = {sentence: failures.said(sentence) for sentence in _kept()}
    assert [sentence for sentence, said in told.items() if said == sentence] == []
    assert [failures.said(sentence) for sentence in _kept()] == _kept()


def test_a_page_tells_a_failure_in_chinese_and_the_api_in_english(alice: Customer) -> None:
    job = stage.job(alice)
    kept = failures.TOO_LATE.sentence
    now = timezone.now()
    ended = {"status": Generation.Status.FAILED, "error": kept, "finished_at": now}
    Generation.objects.filter(pk=job.pk).update(**ended)
    page = page_of(alice.browser.get(f"/films/{job.pk}", headers=CHINESE_BROWSER))
    assert kept not in page
    assert "模型未能按时完成" in page
    program = Client(headers=alice.bearer | CHINESE_BROWSER)
    answer = program.get(f"/api/v3/predictions/{job.pk.hex}/result")
    assert answer.json()["data"]["error"] == kept


def test_what_no_sentence_of_ours_made_stays_as_it_is() -> None:
    words = StoredWords(["It has %(sum)s."])
    with translation.override("zh-hans"):
        assert words.again("Somebody wrote this.") == "Somebody wrote this."


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: images.judge(b"no picture"), "This is not a complete"),
        (lambda: images.judge(b"0" * (IMAGE_BYTES_MAX + 1)), "larger than 10 MB"),
    ],
)
def test_a_refusal_is_said_in_the_language_of_the_moment(
    draw: Callable[[], object], said: str
) -> None:
    with pytest.raises(images.ImageRefused, match=said):
        draw()
    with translation.override("zh-hans"), pytest.raises(images.ImageRefused, match="图片"):
        draw()
