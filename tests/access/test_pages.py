"""Who gets into which page: each address of the URL configuration has a line here, or fails."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.access import MAKERS, MANAGERS, OWNERS, PAYERS
from accounts.models import Membership
from billing import topup_link
from generations import delivery, images
from generations.models import Generation
from tests.access.calls import CALLS
from tests.access.possessions import FILM, Things, assert_nothing_of
from tests.access.routes import outside_admin
from tests.accounts.test_key_detail_page import colleague
from tests.cast import Customer
from tests.generations import stage

ANYBODY = tuple(Membership.Role)
SIGN_IN = "/account/login/?next="


@dataclass(frozen=True)
class Visit:
    """A request that a page takes, and the roles in the account that may make it."""

    route: str
    method: str = "get"
    roles: tuple[Membership.Role, ...] = ANYBODY
    fields: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    def address(self, things: Things) -> str:
        """Return the address, to one of these things where it leads to a thing."""
        return reverse(self.route, kwargs=things.parameters(self.route) if self.is_about else None)

    def go(self, browser: Client, address: str) -> stage.Got:
        """Make the request and read the whole answer."""
        return stage.read(getattr(browser, self.method)(address, self.fields))

    @property
    def is_about(self) -> bool:
        """Whether the address leads to a thing of somebody's."""
        return self.route in THINGS


THINGS = {
    *("film_title", "film_favourite", "film_share", "film_unshare", "film_delete"),
    "film_last_frame",
    *("film", "cancel", "film_file", "key", "key_secret", "key_secret_end", "key_revoke"),
    *("webhook", "webhook_events", "webhook_switch", "webhook_remove", "webhook_test"),
    *("webhook_reveal", "webhook_rotate", "delivery_replay", "alert_remove", "receipt"),
    *("member_role", "member_remove", "member_hand_over"),
    *("invitation_resend", "invitation_revoke"),
}
RULES = {"name": "mine now", "overlap": "0"}
TERMS = {"threshold_micros": "20", "amount_micros": "25", "monthly_cap_micros": "100"}
VISITS = [
    Visit("create", roles=MAKERS),
    Visit("create", "post", MAKERS, fields={"resolution": "720p", "duration": "3"}),
    Visit("gallery", roles=MAKERS),
    Visit("film", roles=MAKERS),
    Visit("cancel", "post", MAKERS),
    Visit("film_file", roles=MAKERS),
    Visit("recent", roles=MAKERS),
    Visit("films_deleted", roles=MAKERS),
    *(Visit(f"films_{deed}", "post", MAKERS) for deed in ("download", "delete", "restore")),
    Visit("film_title", "post", MAKERS, {"title": "mine now"}),
    Visit("film_favourite", "post", MAKERS, {"to": "on"}),
    *(Visit(f"film_{deed}", "post", MAKERS) for deed in ("share", "unshare", "delete")),
    Visit("film_last_frame", "post", MAKERS),
    Visit("profile"),
    Visit("mode", "post", fields={"to": "test"}),
    Visit("stand_in_end", "post"),
    Visit("usage"),
    Visit("usage_csv"),
    Visit("account_export", "post"),
    Visit("account_delete"),
    Visit("team"),
    Visit("team_rename", "post", MANAGERS, {"name": "ours now"}),
    Visit("team_invite", "post", MANAGERS, {"email": "eve@example.org", "role": "admin"}),
    Visit("team_leave", "post"),
    Visit("member_role", "post", MANAGERS, {"role": "billing"}),
    Visit("member_remove", "post", MANAGERS),
    Visit("member_hand_over", "post", OWNERS),
    Visit("invitation_resend", "post", MANAGERS),
    Visit("invitation_revoke", "post", MANAGERS),
    Visit("account_switch", "post", fields={"to": "x"}),
    Visit("keys", roles=MAKERS),
    Visit("keys", "post", MAKERS, {"name": "mine"}),
    Visit("key", roles=MAKERS),
    Visit("key", "post", MANAGERS, RULES),
    Visit("key_secret", "post", MANAGERS, RULES),
    Visit("key_secret_end", "post", MANAGERS),
    Visit("key_revoke", "post", MANAGERS),
    Visit("webhooks", roles=MAKERS),
    Visit("webhook_add", "post", MANAGERS, {"url": "https://x.test/", "events": "balance.low"}),
    Visit("webhook_secret", "post", MANAGERS),
    Visit("webhook_secret_change", "post", MANAGERS),
    Visit("webhook", roles=MAKERS),
    Visit("webhook_events", "post", MANAGERS, {"events": "balance.low"}),
    Visit("webhook_switch", "post", MANAGERS, {"to": "off"}),
    Visit("webhook_remove", "post", MANAGERS),
    Visit("webhook_test", "post", MANAGERS),
    Visit("webhook_reveal", "post", MANAGERS),
    Visit("webhook_rotate", "post", MANAGERS),
    Visit("delivery_replay", "post", MANAGERS),
    Visit("billing", roles=PAYERS),
    Visit("billing", "post", PAYERS, fields={"pack": "25"}),
    Visit("statement_csv", roles=PAYERS),
    Visit("statement_pdf", roles=PAYERS),
    Visit("billing_code", "post", PAYERS, fields={"code": "NONE"}),
    Visit("billing_return", roles=PAYERS),
    Visit("test_credit", "post", PAYERS),
    Visit("alert_add", "post", PAYERS, fields={"kind": "spend", "threshold_micros": "5"}),
    Visit("alert_remove", "post", PAYERS),
    Visit("top_up", "post", PAYERS, TERMS),
    Visit("top_up_off", "post", PAYERS),
    Visit("top_up_resume", "post", PAYERS),
    Visit("portal", "post", PAYERS),
    Visit("receipt", roles=PAYERS),
]
# Pages that belong to nobody. Those of allauth are about who signs in, never about an account.
OPEN = {
    *("landing", "docs", "docs_api", "guide", "api_schema", "healthz", "readyz"),
    *("favicon.ico", "metrics", "security_txt", "terms", "privacy", "refunds", "imprint"),
    *("sitemap", "robots_txt", "manifest"),
}
SIGNING_IN = {
    *("account_login", "account_logout", "account_inactive", "account_signup", "account_email"),
    *("account_reauthenticate", "account_email_verification_sent", "account_change_password"),
    *("account_set_password", "account_reset_password", "account_confirm_login_code"),
    *("account_reset_password_done", "account_reset_password_from_key_done"),
    *("account_confirm_email", "account_reset_password_from_key"),
    *("mfa_index", "mfa_authenticate", "mfa_reauthenticate", "mfa_activate_totp"),
    *("mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes"),
    *("mfa_download_recovery_codes", "mfa_list_webauthn", "mfa_add_webauthn"),
    *("mfa_reauthenticate_webauthn", "mfa_remove_webauthn", "mfa_edit_webauthn"),
    *("mfa_login_webauthn", "usersessions_list"),
}
# Of these, there is nothing to see for who has none.
OWN = {
    *("mfa_view_recovery_codes", "mfa_download_recovery_codes", "mfa_deactivate_totp"),
    *("mfa_remove_webauthn", "mfa_edit_webauthn"),
}
# A form for anybody: see tests/config/test_languages.py.
FORMS = {"language"}
# For the operator's people alone.
STAFF = {"styleguide"}
# Here the address itself, or a signature over the body, is the permission.
SIGNED = {
    "invitation",
    "shared",
    "shared_file",
    "upload_file",
    "api_upload_put",
    "top_up_confirm",
    "wavespeed_hook",
    "stripe_hook",
}

every_visit = pytest.mark.parametrize("visit", VISITS, ids=str)


def test_every_route_has_its_line() -> None:
    visited = {visit.route for visit in VISITS}
    listed = [visited, OPEN, SIGNING_IN, FORMS, SIGNED, STAFF, {call.route for call in CALLS}]
    once = [route for routes in listed for route in sorted(routes)]
    assert sorted(outside_admin()) == sorted(once)


@every_visit
def test_the_owner_gets_in(hers: Things, visit: Visit) -> None:
    got = visit.go(hers.owner.browser, visit.address(hers))
    assert got.status in {200, 302, 303}
    assert SIGN_IN not in got.headers.get("Location", "")


@every_visit
def test_a_stranger_finds_nothing_of_hers(hers: Things, charlie: Customer, visit: Visit) -> None:
    address, before = visit.address(hers), hers.state()
    got = visit.go(charlie.browser, address)
    if visit.is_about:
        assert got.status == 404
    assert got.status < 500
    assert_nothing_of(hers, address, got.content + str(got.headers).encode())
    assert hers.state() == before


@every_visit
def test_who_is_signed_out_is_led_to_the_sign_in(hers: Things, visit: Visit) -> None:
    address, before = visit.address(hers), hers.state()
    for browser in (Client(), Client(headers=hers.owner.bearer)):
        got = visit.go(browser, address)
        if visit.route == "film_file":
            assert got.status == 404
        else:
            assert (got.status, got.headers["Location"]) == (302, f"{SIGN_IN}{address}")
        assert_nothing_of(hers, address, got.content)
    assert hers.state() == before


@every_visit
def test_a_colleague_gets_in_with_the_right_role_only(hers: Things, visit: Visit) -> None:
    for role in ANYBODY:
        # Each finds everything as it was.
        with transaction.atomic():
            browser, before = colleague(hers.owner, role), hers.state()
            got = visit.go(browser, visit.address(hers))
            if role in visit.roles:
                assert got.status in {200, 302, 303}, role
                assert SIGN_IN not in got.headers.get("Location", ""), role
            else:
                assert got.status == 403, role
                assert hers.state() == before
            transaction.set_rollback(True)


@every_visit
def test_who_left_the_account_is_a_stranger(hers: Things, visit: Visit) -> None:
    browser, before = colleague(hers.owner, Membership.Role.ADMIN), hers.state()
    Membership.objects.filter(account=hers.owner.account, role=Membership.Role.ADMIN).delete()
    address = visit.address(hers)
    got = visit.go(browser, address)
    if visit.is_about:
        assert got.status == 404
    assert_nothing_of(hers, address, got.content + str(got.headers).encode())
    assert hers.state() == before


@pytest.mark.parametrize(
    "part", ["video.mp4", "poster.jpg", "poster-small.webp", "strip.jpg", "preview.mp4", "picture"]
)
def test_no_file_of_a_film_is_a_strangers(hers: Things, charlie: Customer, part: str) -> None:
    address = reverse("film_file", kwargs={"pk": hers.job.pk, "part": part})
    assert stage.get(hers.owner.browser, address).status == 200
    for browser in (charlie.browser, Client()):
        assert stage.get(browser, address).status == 404


@pytest.mark.parametrize("route", sorted(OPEN | SIGNING_IN))
def test_an_open_page_tells_nobody_of_anybody(hers: Things, charlie: Customer, route: str) -> None:
    given: dict[str, dict[str, Any]] = {
        "guide": {"slug": "submit"},
        "account_confirm_email": {"key": "x"},
        "account_reset_password_from_key": {"uidb36": "1", "key": "x"},
        "mfa_remove_webauthn": {"pk": hers.passkey.pk},
        "mfa_edit_webauthn": {"pk": hers.passkey.pk},
    }
    address = f"/{route}" if "." in route else reverse(route, kwargs=given.get(route))
    for browser in (Client(), charlie.browser):
        got = stage.get(browser, address)
        # No worker runs beside the tests, and readyz says so.
        wanted = {302, 404} if route in OWN else {200, 302}
        assert got.status in ({503} if route == "readyz" else wanted), browser
        assert_nothing_of(hers, "", got.content + str(got.headers).encode())


# What a page is told beside its address.


def test_anothers_film_is_no_beginning_of_a_new_one(hers: Things, charlie: Customer) -> None:
    address = f"/create?from={hers.job.pk}"
    got = stage.get(charlie.browser, address)
    assert got.status == 200
    assert_nothing_of(hers, address, got.content)


def test_anothers_picture_is_no_first_frame(hers: Things, charlie: Customer) -> None:
    said = {"kept": str(hers.upload.pk), "resolution": "720p", "duration": "3"}
    got = stage.read(charlie.browser.post("/create", said))
    assert got.status == 200
    assert_nothing_of(hers, said["kept"], got.content)
    assert not Generation.objects.filter(account=charlie.account).exists()
    assert hers.owner.browser.post("/create", said).status_code == 302


def test_anothers_checkout_says_nothing(hers: Things, charlie: Customer) -> None:
    answer = charlie.browser.get("/billing/return?session=cs_of_hers", follow=True)
    assert "Your payment is on its way." in answer.content.decode()
    assert_nothing_of(hers, "", answer.content)


# Addresses that are the permission themselves.


def test_a_signed_address_opens_its_own_thing_and_no_other(hers: Things, bob: Customer) -> None:
    signature = delivery.video_address(hers.job).partition("?signature=")[2]
    own = f"/films/{hers.job.pk}/video.mp4"
    assert stage.get(Client(), f"{own}?signature={signature}").content == FILM
    for other in ("poster.jpg", "poster-small.webp", "strip.jpg", "preview.mp4", "picture"):
        assert (
            stage.get(Client(), f"/films/{hers.job.pk}/{other}?signature={signature}").status == 404
        )
    for forged in ("", signature[:-1], signature[::-1], hers.job.pk.hex):
        assert stage.get(Client(), f"{own}?signature={forged}").status == 404
    stranger = stage.upload(bob)
    word, mark = images.token(hers.upload).split("-", 1)
    assert stage.get(Client(), images.path(hers.upload)).status == 200
    for token in (word, f"{stranger.pk.hex}-{mark}", f"{word}-{mark[:-1]}", f"{word}-{signature}"):
        assert stage.get(Client(), f"/uploads/{token}/disc.jpg").status == 404
        put = Client().put(f"/api/v3/media/uploads/{token}", b"x", content_type="image/jpeg")
        assert put.status_code == 404


def test_a_forged_link_of_a_mail_leads_nowhere(hers: Things) -> None:
    good = topup_link.path_of(hers.rule)
    assert Client().get(good).status_code == 200
    before = hers.state()
    for forged in (good[:-1], good.replace("confirm/", "confirm/x"), f"{good}x"):
        for answer in (Client().get(forged), Client().post(forged)):
            assert answer.status_code == 410
            assert_nothing_of(hers, "", answer.content)
    assert hers.state() == before


def test_a_forged_link_of_an_invitation_leads_nowhere(hers: Things, charlie: Customer) -> None:
    for browser in (Client(), charlie.browser):
        for forged in (hers.invitation.digest, "x", "x" * 300):
            for answer in (
                browser.get(f"/account/invitation/{forged}"),
                browser.post(f"/account/invitation/{forged}"),
            ):
                assert answer.status_code == 410
                assert_nothing_of(hers, forged, answer.content)


@pytest.mark.parametrize("route", ["wavespeed_hook", "stripe_hook"])
def test_an_unsigned_hook_is_refused(hers: Things, route: str) -> None:
    address = reverse(route, args=[hers.job.pk] if route == "wavespeed_hook" else None)
    before = hers.state()
    answer = Client().post(address, {"id": "x"}, content_type="application/json")
    assert answer.status_code == 400
    assert hers.state() == before
