"""What strangers forge: headers, redirects, hosts, forms of other sites, fields, codings."""

import gzip
import json
from urllib.parse import urlsplit

import pytest
from django.test import Client

from generations import images
from generations.models import Generation
from tests.cast import PASSWORD, Customer
from tests.generations import stage
from tests.pictures import draw

pytestmark = pytest.mark.django_db

INJECTED = "x\r\nSet-Cookie: owned=1\r\n\r\n<script>"


def test_no_field_writes_a_header(alice: Customer) -> None:
    browser = alice.browser
    picture = images.receive(alice.account, draw(), f"{INJECTED}.jpg")
    job = stage.processing(alice)
    Generation.objects.filter(pk=job.pk).update(title=INJECTED)
    answers = [
        browser.get(images.path(picture)),
        browser.get(f"/films/{job.pk}/picture", {"download": INJECTED}),
        browser.get("/gallery", {"q": INJECTED}),
        browser.get("/gallery/download", {"films": str(job.pk)}),
        browser.post("/account/mode", {"to": "live", "next": INJECTED}),
        browser.get("/account/login/", {"next": INJECTED}),
        browser.get("/billing/statement.csv", {"kind": INJECTED}),
        Client().get("/api/v3/balance", headers={**alice.bearer, "Idempotency-Key": "x"}),
    ]
    for answer in answers:
        stage.read(answer)
        assert "owned" not in answer.cookies
        for name, value in answer.headers.items():
            assert "\r" not in name + value
            assert "\n" not in name + value


def test_a_webhook_address_cannot_carry_a_header(alice: Customer) -> None:
    for address in ("https://x.test/\r\nX-Forged: 1", "https://x.test/ HTTP/1.1\r\nHost: y"):
        answer = alice.browser.post(
            "/account/webhooks/add", {"url": address, "events": "balance.low"}
        )
        assert answer.status_code in {200, 302, 400, 422}
        assert not alice.account.webhooks.filter(url__contains="\n").exists()
        posted = alice.post(f"{stage.MODEL}?webhook=https://x.test/%0d%0aX-Forged:%201", {})
        assert posted.status_code == 400


ELSEWHERE = [
    "https://evil.test/",
    "//evil.test/",
    "///evil.test/",
    "/\\evil.test/",
    "\\\\evil.test",
    "https:evil.test",
    "http:///evil.test",
    "javascript:alert(1)",
    "\x01https://evil.test",
    "/%09/evil.test",
    "https://gallop.example@evil.test/",
    " //evil.test",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_no_redirect_leads_elsewhere(alice: Customer, target: str) -> None:
    login = Client().post(
        f"/account/login/?next={target}",
        {"login": alice.user.email, "password": PASSWORD, "next": target},
    )
    browser, job = alice.browser, stage.processing(alice)
    answers = [
        login,
        browser.get("/account/login/", {"next": target}),
        browser.post("/account/logout/", {"next": target}),
        alice.browser.post("/account/mode", {"to": "live", "next": target}),
        alice.browser.post(f"/films/{job.pk}/favourite", {"to": "on", "next": target}),
        alice.browser.post("/gallery/restore", {"next": target}),
        alice.browser.post("/gallery/delete", {"next": target}),
        alice.browser.get("/billing/return", {"next": target, "session_id": target}),
    ]
    assert login.status_code == 302
    for answer in answers:
        where = answer.headers.get("Location", "/")
        assert urlsplit(where).netloc == "", where
        assert where.startswith("/"), where
        assert not where.startswith(("//", "/\\")), where


@pytest.mark.parametrize("host", ["evil.test", "testserver.evil.test", "testserver:80@evil.test"])
def test_a_forged_host_is_refused_and_in_no_mail(host: str, mailoutbox: list[object]) -> None:
    answer = Client().post(
        "/account/password/reset/", {"email": "alice@example.org"}, headers={"host": host}
    )
    assert answer.status_code == 400
    assert mailoutbox == []


@pytest.mark.parametrize(
    "field", ["price_micros", "status", "account", "account_id", "test", "user_id", "id"]
)
def test_what_a_program_may_not_set_it_does_not_set(
    alice: Customer, bob: Customer, field: str
) -> None:
    values = {
        "price_micros": 1,
        "status": "completed",
        "test": True,
        "id": 1,
        "user_id": bob.user.pk,
    }
    wanted = {**stage.body(stage.upload(alice)), field: values.get(field, str(bob.account.pk))}
    answer = alice.post(stage.MODEL, wanted)
    assert answer.status_code in {200, 400}
    for job in Generation.objects.all():
        assert (job.account, job.status, job.test) == (alice.account, "created", False)
        assert job.price_micros == stage.PRICE_SHORT_MICROS


def test_a_form_of_another_site_does_nothing(alice: Customer) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    for path, fields in (
        ("/create", {"prompt": "x"}),
        ("/billing", {"pack": "25"}),
        ("/account/keys", {"name": "x"}),
        ("/account/mode", {"to": "test"}),
        ("/account/logout/", {}),
    ):
        answer = browser.post(path, fields, headers={"origin": "https://evil.test"})
        assert answer.status_code == 403, path


def test_a_body_in_another_coding_than_stated_is_refused(alice: Customer) -> None:
    wanted = gzip.compress(json.dumps(stage.body("https://p.test/a.jpg")).encode())
    answer = Client().post(
        stage.MODEL,
        wanted,
        content_type="application/json",
        headers={**alice.bearer, "Content-Encoding": "gzip"},
    )
    assert answer.status_code == 400
