"""The gallery's server time with 1,000,000 films in one account beside 1,000 in another."""

import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import Account
from accounts.opening import account_of, open_account
from bench import web_server
from generations import gallery

MANY, FEW = 1_000_000, 1_000
ROUNDS = 100
WARM_ROUNDS = 20
RATIO_MAX = 1.15
CPU_RATIO_MAX = 15
# The page that is looked at deep inside; the few films have no five hundred pages.
DEEP = {MANY: 500, FEW: 20}
# Every film is a horse's or not, three in a hundred have a lantern, and one in a thousand a comet;
# the other words are drawn from two thousand.
FILL = """
INSERT INTO generations_generation (
    id, account_id, model, inputs, price_micros, shortfall_micros, webhook, status, status_since,
    due_at, attempts, upstream_image, upstream_id, error_code, error, operator_note, video, poster,
    strip, preview, width, height, frames, duration_ms, size, sha256, created_at, submitted_at,
    finished_at, favourite
)
SELECT gen_random_uuid(), %(account)s, 'alibaba/happyhorse-1.1/image-to-video',
    jsonb_build_object(
        'image', 'https://gallop.example/uploads/' || n || '/picture.jpg',
        'prompt', concat_ws(' ', CASE WHEN n %% 3 = 0 THEN 'horse' ELSE 'sea' END,
            CASE WHEN n %% 33 = 0 THEN 'lantern' END, CASE WHEN n %% 1000 = 0 THEN 'comet' END,
            'w' || (random() * 2000)::int, 'w' || (random() * 2000)::int,
            'w' || (random() * 2000)::int, 'w' || (random() * 2000)::int,
            'the camera runs beside it while dust rises'),
        'resolution', CASE WHEN n %% 2 = 0 THEN '720p' ELSE '1080p' END,
        'duration', 3 + n %% 13, 'seed', -1),
    420000, 0, '', 'completed', moment, moment, 1, '', %(name)s || n, 0, '', '',
    'films/' || n || '/a.mp4', 'films/' || n || '/a.jpg', 'films/' || n || '/a-strip.jpg',
    'films/' || n || '/a-preview.mp4', 1280, 720, 72, (3 + n %% 13) * 1000, 2000000,
    repeat('0', 64), moment, moment, moment, n %% 30 = 0
FROM (SELECT n, now() - n * interval '31 seconds' AS moment FROM generate_series(1, %(films)s) AS n)
"""
INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = 'generations_generation'
  AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE contype IN ('p', 'u'))
"""
ASKED: dict[str, dict[str, str]] = {
    "first page": {},
    "deep page": {},
    "search, one in three": {"q": "horse"},
    "search, three in a hundred": {"q": "lantern"},
    "search, two words": {"q": "horse lantern"},
    "filter: resolution": {"resolution": "720p"},
    "filter: length": {"length": "15"},
    "filter: favourites": {"favourite": "on"},
    "longest first": {"sort": "longest"},
    "three filters": {"resolution": "1080p", "length": "4", "since": "2020-01-01"},
}


def newcomer(name: str) -> tuple[Account, Client]:
    """Return a new account and a browser that is signed in."""
    user = open_account(f"{name}@example.org", "a-long-enough-word")
    browser = Client()
    browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return account_of(user), browser


def fill(films: int) -> tuple[Account, Client]:
    """Give somebody new so many films; return the account and a browser that is signed in."""
    account, browser = newcomer(f"owner-of-{films}")
    began = time.perf_counter()
    with connection.cursor() as cursor:
        # An index is sooner built at once than row by row.
        cursor.execute(INDEXES)
        indexes = cursor.fetchall()
        cursor.execute("; ".join(f"DROP INDEX {name}" for name, _ in indexes))
        cursor.execute(FILL, {"account": account.pk, "name": account.pk.hex, "films": films})
        cursor.execute("; ".join(definition for _, definition in indexes))
    print(f"{films:,} films written in {time.perf_counter() - began:.0f} s", flush=True)
    return account, browser


def deep(account: UUID, page: int) -> str:
    """Return the place where this page begins, as the page before it names it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, created_at FROM generations_generation WHERE account_id = %s "
            "ORDER BY created_at DESC, id DESC OFFSET %s LIMIT 1",
            [account, (page - 1) * gallery.PAGE - 1],
        )
        pk, created_at = cursor.fetchone()
    return str(gallery.Place(None, created_at, pk))


def milliseconds(browser: Client, asked: dict[str, str]) -> float:
    """Return how long the server took for a page that is full of films."""
    began = time.perf_counter()
    answer = browser.get("/gallery", asked)
    took = (time.perf_counter() - began) * 1000
    assert answer.content.count(b'class="card"') == gallery.PAGE, asked
    return took


def measured(browsers: dict[int, Client], asked: Callable[[int], Any]) -> dict[int, list[float]]:
    """Ask in turns, in another order each time, so that whatever else goes on meets both alike."""
    times: dict[int, list[float]] = {films: [] for films in browsers}
    for _ in range(ROUNDS):
        for films in random.sample(list(browsers), len(browsers)):
            times[films].append(milliseconds(browsers[films], asked(films)))
    return times


def cpu_milliseconds(site: web_server.Site, browser: Client, page: str) -> float:
    """Return what a page takes of the web server as it runs for customers."""
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    with httpx.Client(base_url=site.url, cookies=cookies) as http:
        for _ in range(WARM_ROUNDS):
            http.get(page).raise_for_status()
        before, _ = site.cpu_seconds()
        for _ in range(ROUNDS):
            http.get(page).raise_for_status()
        after, _ = site.cpu_seconds()
    return 1000 * (after - before) / ROUNDS


def cpu_ratio(browser: Client, data: Path) -> float:
    """Print what a page of films takes beside one without any; return how many times as much."""
    _, nobody = newcomer("owner-of-nothing")
    with web_server.running(data=data) as site:
        full = cpu_milliseconds(site, browser, "/gallery")
        empty = cpu_milliseconds(site, nobody, "/gallery")
        bare = cpu_milliseconds(site, nobody, "/healthz")
    print(
        f"CPU of a page of {gallery.PAGE} films {full:.1f} ms, of an empty page {empty:.1f} ms, of "
        f"an answer without a page {bare:.1f} ms: {full / empty:.1f} and {full / bare:.1f} times"
    )
    return full / empty


@pytest.mark.django_db(transaction=True)
def bench_gallery(capsys: pytest.CaptureFixture[str], settings: Settings, tmp_path: Path) -> None:
    """Print the times of each page for both accounts; the large one must be nearly as quick."""
    settings.STATIC_ROOT = tmp_path
    plain = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": plain}}
    with capsys.disabled():
        made = {films: fill(films) for films in (FEW, MANY)}
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE generations_generation")
        browsers = {films: browser for films, (_, browser) in made.items()}
        places = {films: deep(account.pk, DEEP[films]) for films, (account, _) in made.items()}
        ratios = {}
        for name, asked in ASKED.items():
            words = {
                films: {**asked, "after": places[films]} if name == "deep page" else asked
                for films in browsers
            }
            for films, browser in browsers.items():
                milliseconds(browser, words[films])
            times = measured(browsers, words.__getitem__)
            few, many = (statistics.median(times[films]) for films in (FEW, MANY))
            late = [statistics.quantiles(times[films], n=20)[-1] for films in (FEW, MANY)]
            ratios[name] = late[1] / late[0]
            print(
                f"{name:28} 1,000: {few:6.1f} ms (p95 {late[0]:6.1f}), "
                f"1,000,000: {many:6.1f} ms (p95 {late[1]:6.1f}), "
                f"ratio {many / few:.2f} (p95 {ratios[name]:.2f})"
            )
        cpu = cpu_ratio(browsers[MANY], tmp_path)
    assert cpu <= CPU_RATIO_MAX
    assert max(ratios.values()) <= RATIO_MAX, ratios
