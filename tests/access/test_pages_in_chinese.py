"""Every page that a customer or a visitor can open is Chinese, wholly, for who reads Chinese."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from billing import topup_link
from generations import docs_pages, failures, marking
from generations.models import Generation
from tests.access.possessions import ADDRESS, PROMPT, Things
from tests.access.test_pages import OPEN, SIGNING_IN, VISITS
from tests.access.untranslated import english_in, recorded
from tests.cast import Customer
from tests.generations import stage

LANGUAGE = "zh-hans"
CHINESE = {"Accept-Language": LANGUAGE}
# What customers wrote, names that are the same everywhere, and legal names in the imprint.
ALLOWED = (PROMPT, ADDRESS, "her phone")
GUIDES = [f"/docs/{guide.slug}" for guide in docs_pages.GUIDES]
PAGES = [visit for visit in VISITS if visit.method == "get"]
OTHER_PAGES = sorted((OPEN | SIGNING_IN) - {"guide"})
ERRORS = ["/nothing-here", "/account/invitation/x", "/billing/top-up/confirm/x"]


def read(browser: Client, address: str, patch: pytest.MonkeyPatch) -> str:
    """Open a page and return it; fail over what is English in it."""
    with recorded(LANGUAGE, patch) as missing:
        got = stage.get(browser, address, **CHINESE)
    page = got.content.decode(errors="replace")
    if not got.headers.get("Content-Type", "").startswith("text/html") or not page:
        return page
    # A part of a page, for htmx, says no language.
    assert '<html lang="zh-hans">' in page or "<html" not in page
    assert missing == set()
    assert english_in(page, ALLOWED) == set()
    return page


@pytest.mark.parametrize("visit", PAGES, ids=str)
def test_a_page_of_an_account(hers: Things, visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    read(hers.owner.browser, visit.address(hers), monkeypatch)


@pytest.mark.parametrize("visit", [one for one in PAGES if not one.is_about], ids=str)
def test_a_page_of_an_account_in_test_mode_and_empty(
    visit: Any, bob: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = bob.browser
    browser.post("/account/mode", {"to": "test"})
    read(browser, reverse(visit.route), monkeypatch)


@pytest.mark.parametrize("route", OTHER_PAGES)
def test_a_page_for_anybody(hers: Things, route: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, dict[str, Any]] = {
        "account_confirm_email": {"key": "x"},
        "account_reset_password_from_key": {"uidb36": "1", "key": "x"},
        "mfa_remove_webauthn": {"pk": hers.passkey.pk},
        "mfa_edit_webauthn": {"pk": hers.passkey.pk},
    }
    address = f"/{route}" if "." in route else reverse(route, kwargs=given.get(route))
    if "webauthn" in route:
        # It is no passkey that a browser could be asked for.
        hers.passkey.delete()
    for browser in (Client(), hers.owner.browser):
        read(browser, address, monkeypatch)


@pytest.mark.parametrize("address", [*GUIDES, *ERRORS])
def test_a_guide_or_a_mistaken_address(
    db: None, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "<html" in read(Client(), address, monkeypatch)


def test_pages_that_a_link_leads_to(hers: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = {"status": Generation.Status.COMPLETED, "finished_at": timezone.now()}
    Generation.objects.filter(pk=hers.job.pk).update(width=16, height=9, duration_ms=3000, **ended)
    word = marking.share(Generation.objects.get(pk=hers.job.pk))
    for address in (reverse("shared", args=[word]), topup_link.path_of(hers.rule)):
        assert "<html" in read(Client(), address, monkeypatch)


@pytest.mark.parametrize("status", ["submitting", "processing", "completed", "failed", "cancelled"])
def test_a_film_whatever_became_of_it(
    hers: Things, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    changes: dict[str, dict[str, Any]] = {
        "submitting": {"lease_until": now + timedelta(minutes=1)},
        "processing": {"upstream_id": "x", "submitted_at": now},
        "completed": {"finished_at": now, "width": 16, "height": 9, "duration_ms": 3000},
        "failed": {"finished_at": now, "error": failures.TOO_LATE.sentence},
        "cancelled": {"finished_at": now, "error": failures.CANCELLED.sentence},
    }
    new = "failed" if status == "cancelled" else status
    Generation.objects.filter(pk=hers.job.pk).update(status=new, **changes[status])
    for address in (f"/films/{hers.job.pk}", "/gallery", "/gallery?status=failed", "/create"):
        read(hers.owner.browser, address, monkeypatch)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/create", {"prompt": "x" * 2501, "duration": "99", "seed": "-7"}),
        ("/account/keys", {"name": "", "access": "some", "last_day": "2001-01-01"}),
        ("/account/webhooks/add", {"url": "http://x.test/"}),
        ("/account/team/invite", {"email": "nobody", "role": "boss"}),
        ("/billing", {"pack": "other", "amount": "x"}),
        ("/billing/code", {"code": "NONE"}),
        ("/billing/top-up", {"threshold_micros": "x"}),
        ("/billing/alerts/add", {"kind": "spend", "threshold_micros": "0"}),
        ("/account/delete", {"address": "nobody"}),
        ("/account/profile", {"language": "fi"}),
        ("/account/password/change/", {"oldpassword": "x", "password1": "a", "password2": "b"}),
        ("/account/email/", {"action_add": "", "email": "nobody"}),
        ("/account/login/", {"login": "x", "password": "y"}),
        ("/account/signup/", {"email": "x", "password1": "1", "password2": "2"}),
    ],
)
def test_a_form_that_was_filled_in_wrongly(
    hers: Things, address: str, said: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Client() if "/log" in address or "/signup" in address else hers.owner.browser
    with recorded(LANGUAGE, monkeypatch) as missing:
        page = browser.post(address, said, headers=CHINESE, follow=True).content.decode()
    assert '<html lang="zh-hans">' in page
    assert missing == set()
    assert english_in(page, ALLOWED) == set()
