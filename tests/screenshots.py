"""Photograph every page of the site: `python -m tests.screenshots`, also with `--locale zh-CN`.

Each page as a phone and as a desktop shows it, dark and light, as NAME-SIZE-THEME.png. The site is
one of its own, with a resident who has made some films.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

import django
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils import translation
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from config.settings import BASE_DIR
from tests import browser, house, tour

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
THEMES = ("dark", "light")
HEIGHT_MAX = 4000
ERRORS = ("400", "403", "403_csrf", "404", "429", "500")
# The pages that are made here name the site's files as they are called before they are built.
UNBUILT = {
    "default": {"BACKEND": "config.media.Folder"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
FILMS = [
    tour.Film("sea", "The sail drifts towards the sun, the water glitters"),
    tour.Film("city", "Lights go on one after the other, the water trembles"),
    tour.Film("dunes", "The wind takes the sand off the ridges, the moon rises"),
    tour.Film("city", "A storm comes over the city [fail]"),
    tour.Film("horse", "The horse gallops towards the sun, dust rises", "1080p", 5),
    tour.Film("dunes", "Night falls, stars come out", duration=6),
]
# Lays the page out as far down as it goes, so that pictures below are fetched too.
SCROLL = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 500) {
        scrollTo(0, y);
        await new Promise(done => setTimeout(done, 25));
    }
    scrollTo(0, 0);
    const films = [...document.querySelectorAll("video[controls]")].map(film =>
        film.readyState > 1 || film.preload === "none" || new Promise(done => {
            film.addEventListener("loadeddata", done);
            film.preload = "auto";
            setTimeout(done, 3000);
        }));
    const images = [...document.images].map(image => image.decode().catch(() => {}));
    await Promise.all([...films, ...images]);
}"""


def photograph(page: Page, stop: tour.Stop, folder: Path) -> int:
    """Take the pictures of one page; return how many."""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.goto(stop.address)
        page.evaluate(SCROLL)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            tall = min(HEIGHT_MAX, int(page.evaluate("document.documentElement.scrollHeight")))
            area = {"x": 0, "y": 0, "width": width, "height": max(height, tall)}
            path = folder / f"{stop.name}-{size}-{theme}.png"
            page.screenshot(path=path, full_page=True, clip=area)  # type: ignore[arg-type]
    return len(SIZES) * len(THEMES)


def distinct(stops: list[tour.Stop]) -> list[tour.Stop]:
    """Return the stops with names that are told apart, when there are several of a kind."""
    seen: dict[str, int] = {}
    named = []
    for stop in stops:
        seen[stop.name] = seen.get(stop.name, 0) + 1
        nth = f"-{seen[stop.name]}" if seen[stop.name] > 1 else ""
        last = f"-{stop.address.rpartition('/')[2]}" if stop.name == "guide" else nth
        named.append(tour.Stop(stop.name + last, stop.address))
    return named


def errors(context: BrowserContext, locale: str) -> list[tour.Stop]:
    """Let the error pages be had at addresses of their own."""
    language = translation.get_supported_language_variant(locale)

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        with translation.override(language):
            page = render_to_string(f"{name}.html", {"user": None, "sandbox": False})
        route.fulfill(body=page, content_type="text/html")

    context.route("**/errors/*", answer)
    return [tour.Stop(f"error-{name}", f"/errors/{name}") for name in ERRORS]


def walk(chromium: Browser, site: house.House, folder: Path, locale: str) -> int:
    """Photograph everything, from outside and from inside; return how many pictures that is."""
    resident = tour.Resident(site, "mara@example.org", FILMS)
    resident.move_in()
    outside, inside = (
        chromium.new_context(base_url=site.url, reduced_motion="reduce", locale=locale)
        for _ in range(2)
    )
    page = inside.new_page()
    resident.sign_in(page)
    resident.furnish(page)
    taken = 0
    for context, part in ((outside, "out"), (inside, "in")):
        page = context.new_page()
        (folder / part).mkdir(parents=True, exist_ok=True)
        stops = distinct(tour.stops(context)) + (errors(context, locale) if part == "out" else [])
        taken += sum(photograph(page, stop, folder / part) for stop in stops)
    return taken


def main() -> None:
    """Run a site, photograph it, and say where the pictures are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=BASE_DIR / "var" / "screenshots")
    parser.add_argument("--locale", default="en", help="what the browser asks for")
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    with (
        override_settings(STORAGES=UNBUILT),
        tempfile.TemporaryDirectory() as data,
        house.running(Path(data), SANDBOX_JOB_SECONDS="1") as site,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(
            executable_path=browser.find(), args=["--no-sandbox", "--disable-gpu"]
        )
        taken = walk(chromium, site, asked.into, asked.locale)
        chromium.close()
    sys.stdout.write(f"{taken} pictures in {asked.into}\n")


if __name__ == "__main__":
    main()
