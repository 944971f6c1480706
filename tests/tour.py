"""A tour of every page of a running site, read from its URL configuration.

Addresses without parameters are tried as they are; what has parameters is found by the links on
those pages. A route that is not found this way stops the tour, so no new page is forgotten.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from playwright.sync_api import APIResponse, BrowserContext, Page

from tests import house
from tests.access.routes import ADMIN, Route, all_routes

FILMS_SECONDS_MAX = 300
PASSWORD = "walking-through-every-room"
MODEL = "alibaba/happyhorse-1.1/image-to-video"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
LINK = re.compile(r'\shref="(/[^"?#]*)')
# So many pages of one kind are looked at: guides differ, films hardly.
KIND_MAX = {"guide": 20, "film": 2}
# Addresses that only a mail, or somebody's film, leads to.
BY_HAND = {
    "account_confirm_email": "/account/confirm-email/x/",
    "account_reset_password_from_key": "/account/password/reset/key/1-x/",
    "invitation": "/account/invitation/x",
    "top_up_confirm": "/billing/top-up/confirm/x",
}
# What is no page, or a page that only a passkey of real hardware opens.
NO_PAGES = {"upload_file", "shared_file", "film_file", "receipt", "statement_pdf", "alert_remove"}
NOT_HERE = {"mfa_remove_webauthn", "mfa_edit_webauthn"}
TRIALS: tuple[Any, ...] = (1, UUID(int=1), "x")


@dataclass(frozen=True)
class Film:
    """A film that the resident asks for: one of our sample pictures, and words."""

    picture: str
    prompt: str
    resolution: str = "720p"
    duration: int = 3


@dataclass(frozen=True)
class Stop:
    """A page: the name of its route and its address."""

    name: str
    address: str


@dataclass
class Resident:
    """Somebody who lives on the site and has one of everything."""

    site: house.House
    email: str
    films: list[Film]
    staff: bool = True
    opened: dict[str, str] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)

    def move_in(self) -> None:
        """Open the account, with credit and a key, and ask for the films."""
        staff = ["--staff"] if self.staff else []
        command = ["open_account", self.email, "--password", PASSWORD, "--credit", "50", *staff]
        self.opened.update(house.last_json(self.site.manage(*command)))
        self.jobs += [self.ask(film) for film in self.films]
        for job in self.jobs:
            house.wait_for(partial(self._ended, job), FILMS_SECONDS_MAX)

    def ask(self, film: Film) -> str:
        """Ask for a film and return its id."""
        body = {
            "image": f"{self.site.url}/static/samples/{film.picture}.jpg",
            "prompt": film.prompt,
            "resolution": film.resolution,
            "duration": film.duration,
        }
        return str(self._call("POST", MODEL, json=body)["id"])

    def sign_in(self, page: Page) -> None:
        """Sign in by the form."""
        page.goto("/account/login/")
        page.locator("#id_login").fill(self.email)
        page.locator("#id_password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/create")

    def furnish(self, page: Page) -> None:
        """Add a webhook, and share a film by its link; the page is signed in."""
        page.goto("/account/webhooks")
        page.locator("#id_url").fill("https://example.org/hooks/gallop")
        page.locator("#webhook-form [name='events']").first.check()
        page.locator("#webhook-form [type='submit']").click()
        page.goto(self.film_page(0))
        page.locator("#share-on").click()
        page.locator("#share-link").wait_for()

    def film_page(self, at: int) -> str:
        """Return the address of one of the films, in the order in which they were asked for."""
        return reverse("film", args=[UUID(self.jobs[at])])

    def _ended(self, job: str) -> str | None:
        status = self._call("GET", f"predictions/{job}/result")["status"]
        return status if status in {"completed", "failed", "cancelled"} else None

    def _call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.opened['api_key']}"}
        answer = httpx.request(method, f"{self.site.url}/api/v3/{path}", headers=headers, **body)
        data: dict[str, Any] = answer.raise_for_status().json()["data"]
        return data


def stops(context: BrowserContext) -> list[Stop]:
    """Return every page that this visitor can open, one of each kind."""
    found: list[Stop] = []
    waiting = [*_plain(), *(Stop(name, address) for name, address in BY_HAND.items())]
    known = {stop.address for stop in waiting}
    while waiting:
        stop = waiting.pop(0)
        answer = _ask(context, stop.address)
        if not _is_page(answer):
            continue
        found.append(stop)
        for link in _links(answer.text()):
            if link.address not in known and _few(link, [*found, *waiting]):
                known.add(link.address)
                waiting.append(link)
    return found


def forgotten(context: BrowserContext, found: list[Stop]) -> set[str]:
    """Return the routes with parameters that were not found and are no forms' targets either."""
    seen = {stop.name for stop in found} | NO_PAGES | NOT_HERE | set(BY_HAND)
    return {
        route.name
        for route in _routes()
        if _parameters(route) and route.name not in seen and not _only_takes_posts(context, route)
    }


def _routes() -> list[Route]:
    return [
        route
        for route in all_routes()
        if not route.name.startswith(ADMIN) and not route.pattern.startswith("api/")
    ]


def _parameters(route: Route) -> list[str]:
    """Return the names of all of them, those of what the route is included in too."""
    return PARAMETER.findall(route.pattern)


def _plain() -> list[Stop]:
    return [
        Stop(route.name, reverse(route.name))
        for route in _routes()
        if not _parameters(route) and "." not in route.pattern and route.name not in NO_PAGES
    ]


def _links(text: str) -> Iterator[Stop]:
    for address in dict.fromkeys(LINK.findall(text)):
        try:
            match = resolve(address)
        except Resolver404:
            continue
        name = match.url_name or ""
        if match.kwargs and not match.namespaces and name not in NO_PAGES:
            yield Stop(name, address)


def _few(link: Stop, taken: list[Stop]) -> bool:
    return sum(stop.name == link.name for stop in taken) < KIND_MAX.get(link.name, 1)


def _ask(context: BrowserContext, address: str, **how: Any) -> APIResponse:
    return context.request.get(address, max_redirects=0, **how)


def _is_page(answer: APIResponse) -> bool:
    html = answer.headers.get("content-type", "").startswith("text/html")
    # A link that is forged or too old leads to a page that says so.
    return html and answer.status in {200, 410} and b"</html>" in answer.body()


def _only_takes_posts(context: BrowserContext, route: Route) -> bool:
    for value in TRIALS:
        try:
            address = reverse(route.name, kwargs=dict.fromkeys(_parameters(route), value))
        except NoReverseMatch:
            continue
        return _ask(context, address).status == 405
    return False
