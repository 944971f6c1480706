"""The operator's pages: for staff alone, and for staff only what they were given to do."""

from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.access.possessions import Things, assert_nothing_of
from tests.access.routes import ADMIN, Route, all_routes
from tests.cast import Customer

SIGN_IN = "/admin/login/"
# Asked of everybody: who are you?
OPEN = {"admin:login"}


def operators() -> list[Route]:
    """Return every route of the operator's pages."""
    return [route for route in all_routes() if route.name.startswith(ADMIN)]


def address(route: Route, things: Things) -> str:
    """Return an address that leads there, to one of these things where it can."""
    own = {"purchase": things.purchase.pk, "generation": things.job.pk, "apikey": things.key.pk}
    own |= {"account": things.owner.account.pk, "upload": things.upload.pk}
    name = next((one for one in own if f"/{one}/" in route.pattern), "")
    given = {"app_label": "billing", "url": "billing/purchase", "content_type_id": "1"}
    values = {one: given.get(one, str(own.get(name, 1))) for one in route.parameters}
    try:
        return reverse(route.name, kwargs=values)
    except NoReverseMatch:
        # Redirects that have no name.
        return "/" + route.pattern.replace("<path:object_id>", values.get("object_id", ""))


def answers(things: Things, browser: Client) -> list[tuple[Route, str, Any]]:
    """Ask for every page of the operator's, looking and changing, and return the answers."""
    asked = [(route, address(route, things)) for route in operators() if route.name not in OPEN]
    return [
        (route, path, method(path))
        for route, path in asked
        for method in (browser.get, browser.post)
    ]


def test_the_walk_finds_the_operators_pages() -> None:
    names = {route.name for route in operators()}
    assert {"admin:index", "admin:billing_purchase_refund", "admin:accounts_user_change"} <= names
    assert len(operators()) >= 100


def test_who_is_signed_out_sees_no_page_of_the_operators(hers: Things) -> None:
    before = hers.state()
    for route, path, answer in answers(hers, Client()):
        assert answer.status_code == 302, route
        assert SIGN_IN in answer["Location"] or answer["Location"] == "/admin/", route
        assert_nothing_of(hers, path, answer.content)
    assert hers.state() == before


def test_a_customer_sees_no_page_of_the_operators_not_even_of_her_own(hers: Things) -> None:
    browser, before = hers.owner.browser, hers.state()
    for route, path, answer in answers(hers, browser):
        assert answer.status_code == 302, route
        assert SIGN_IN in answer["Location"] or answer["Location"] == "/admin/", route
        assert_nothing_of(hers, path, answer.content)
    assert browser.get("/account/profile").status_code == 200, "she was signed in all the time"
    assert hers.state() == before


def test_a_program_sees_no_page_of_the_operators(hers: Things) -> None:
    for route, _, answer in answers(hers, Client(headers=hers.owner.bearer)):
        assert answer.status_code == 302, route


@pytest.mark.parametrize("superuser", [False, True])
def test_staff_see_what_they_were_given_to_see(
    hers: Things, charlie: Customer, superuser: bool
) -> None:
    charlie.user.is_staff, charlie.user.is_superuser = True, superuser
    charlie.user.save()
    seen = set()
    for route in operators():
        path = address(route, hers)
        answer = charlie.browser.get(path)
        assert answer.status_code < 500, route
        if not superuser:
            assert_nothing_of(hers, path, answer.content)
        if answer.status_code == 200:
            seen.add(route.name)
    assert ("admin:billing_purchase_refund" in seen) == superuser
    assert ("admin:generations_generation_change" in seen) == superuser
    assert "admin:index" in seen
