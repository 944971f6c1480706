"""What strangers try: paths, bombs, long and odd bodies, wildcards, scripts.

None gets in, none breaks a page. Elsewhere: what they forge (test_forgeries), other accounts' ids
(tests/access), forged and replayed webhooks (tests/billing/test_checkout_webhook,
tests/generations/test_hook), private addresses (tests/config/test_ssrf_table).
docs/threat-model.md lists them all.
"""

import gzip
import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from pytest_django import Settings

from generations import failures, images, lifecycle
from generations.models import Generation, Upload
from tests.cast import Customer
from tests.generations import stage
from tests.pictures import draw

pytestmark = pytest.mark.django_db

SECRET = b"this must stay in the house"
SCRIPT = "<script>alert(1)</script>"
BREAKOUTS = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "{{7*7}}{% debug %}",
    "javascript:alert(1)//",
]
# What PostgreSQL or Python read in their own way: none of it is a fault of ours to show.
ODD_WORDS = [
    "%",
    "_",
    "%%' OR '1'='1",
    "'; DROP TABLE generations_generation; --",
    "a & | ! ( ) :* <-> \\ ' \"",
    "\\",
    "''",
    ":*",
    "\u202egpj.exe",
    "\ufeff\u200b\u2060",
    "Å\u0301\u0327" * 20,
    "İıſẞﬃ",
    "💃🏽" * 30,
    "\ufffe\uffff",
    "\u0001\u001f\u007f\u0085",
]


@pytest.fixture
def secret(settings: Settings) -> bytes:
    """A file beside the media folder, and one inside it that no row names."""
    outside = Path(settings.MEDIA_ROOT).parent / "secret.txt"
    outside.write_bytes(SECRET)
    default_storage.save("films/secret.jpg", ContentFile(SECRET))
    return SECRET


@pytest.mark.parametrize(
    "path",
    [
        "/films/{job}/../../secret.txt",
        "/films/{job}/..%2f..%2fsecret.txt",
        "/films/{job}/%2e%2e/%2e%2e/secret.txt",
        "/films/{job}/....//....//secret.txt",
        "/films/{job}/video.mp4%00.jpg",
        "/films/{job}/video.mp4/../../secret.jpg",
        "/films/secret.jpg",
        "/uploads/../secret.txt",
        "/uploads/..%2fsecret.txt/x.jpg",
        "/uploads/{token}/..%2f..%2fsecret.txt",
        "/uploads/{token}%2f..%2f..%2fsecret.txt/x.jpg",
        "/media/films/secret.jpg",
        "/static/../secret.txt",
        "/static/..%2f..%2fconfig%2fsettings.py",
        "/static/%2e%2e/%2e%2e/manage.py",
        "/static//etc/passwd",
        "/docs/..%2f..%2fREADME",
        "//etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_media(alice: Customer, secret: bytes, path: str) -> None:
    picture = stage.upload(alice)
    job = stage.job(alice, picture)
    address = path.format(job=job.pk, token=images.token(picture))
    answer = stage.get(alice.browser, address)
    assert answer.status in {200, 301, 302, 400, 404, 410}
    assert secret not in answer.content
    assert b"SECRET_KEY" not in answer.content
    assert b"root:" not in answer.content
    if answer.status == 200:
        # A picture's file name is decoration: it shows the picture of the token and no other.
        assert answer.content == draw()


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it is this large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 100_000, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("disc.jpg", b"\0" * 5_000_000)
    return content.getvalue()


BOMBS = {
    "a picture of 3.6 gigapixels": huge_png(60_000, 60_000),
    "a picture of 2^31 pixels a side": huge_png(2**31 - 1, 2**31 - 1),
    "an archive": zipped(),
    "a compressed bomb": gzip.compress(b"\0" * 5_000_000),
    "an SVG with a script": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "a page": b"<!doctype html><script>alert(1)</script>",
    "a broken JPEG": draw()[:200],
    "a PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run",
    "nothing": b"",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=list(BOMBS))
def test_what_is_no_harmless_picture_is_refused_and_not_kept(alice: Customer, bomb: bytes) -> None:
    for path, field in (("/api/v3/media/upload/binary", "file"),):
        file = io.BytesIO(bomb)
        file.name = "disc.jpg"
        answer = Client().post(path, {field: file}, headers=alice.bearer)
        assert answer.status_code == 400, answer.content
    assert not Upload.objects.exclude(file="").exists()


def test_a_picture_that_is_also_a_page_is_served_as_a_picture(alice: Customer) -> None:
    both = images.receive(alice.account, draw() + SCRIPT.encode(), "x.html")
    headers = stage.get(Client(), images.path(both)).headers
    assert headers["Content-Type"] == "image/jpeg"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert images.path(both).endswith((".jpg", ".html"))


@pytest.mark.parametrize(
    "content",
    [
        b'{"image": "' + b"a" * 2_000_000 + b'"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"duration": 1' + b"0" * 100_000 + b"}",
        b'{"duration": 1e999999}',
        b'{"duration": -0.0, "seed": 1E400}',
        b'{"prompt": "\\ud800", "image": "https://p.test/a.jpg"}',
        b'{"prompt": "a\\u0000b", "image": "https://p.test/a.jpg"}',
        b'{"image": "https://p.test/a\\u0000.jpg"}',
        b'{"image": "https://p.test/a.jpg", "prompt": "\xff\xfe"}',
        b'{"__proto__": {"x": 1}, "constructor": "x"}',
        b'{"image": {"$ne": null}}',
        b'{"image": ["https://p.test/a.jpg"]}',
        b"null",
        b"\x00",
        b"",
    ],
    ids=lambda content: repr(content[:24]),
)
def test_no_body_however_odd_costs_anything_or_breaks(alice: Customer, content: bytes) -> None:
    answer = Client().post(
        stage.MODEL, content, content_type="application/json", headers=alice.bearer
    )
    assert 400 <= answer.status_code < 500, answer.content
    assert answer.json()["code"] == answer.status_code
    assert alice.available_micros == 25_000_000
    assert not Generation.objects.exists()


@pytest.mark.parametrize("path", ["/api/v3/predictions", "/api/v3/billings/search"])
@pytest.mark.parametrize("words", ["%", "' OR 1=1 --", "\x00", "\ud800", "9" * 400])
def test_no_filter_of_the_api_breaks_on_odd_words(alice: Customer, path: str, words: str) -> None:
    for field in ("status", "model", "created_after", "page", "page_size", "cursor", "id"):
        answer = alice.post(path, {field: words})
        assert answer.status_code in {200, 400}, (field, answer.content)


def titled(customer: Customer, *titles: str) -> list[Generation]:
    """Failed jobs with these titles, which the gallery shows."""
    jobs = []
    for title in titles:
        job = stage.words_job(customer, "a plain prompt")
        Generation.objects.filter(pk=job.pk).update(title=title.replace("\0", "")[:80])
        lifecycle.fail(job, failures.NO_PLACE)
        jobs.append(job)
    return jobs


@pytest.mark.parametrize("words", [*ODD_WORDS, "\x00", "a\x00b", "a" * 5000])
def test_no_search_shows_anothers_films_or_breaks(
    alice: Customer, charlie: Customer, words: str
) -> None:
    (mine,), (other,) = titled(alice, "a unicorn"), titled(charlie, f"a unicorn {words[:40]}")
    for asked in (words, "unicorn"):
        answer = alice.browser.get("/gallery", {"q": asked, "status": "failed"})
        assert answer.status_code == 200
        assert other.pk.hex not in answer.content.decode().replace("-", "")
    assert mine.pk.hex in answer.content.decode().replace("-", "")


@pytest.mark.parametrize(
    "words", ["u_icorn", "%corn", "zebra | unicorn", "!zebra", "'zebra' OR 1=1"]
)
def test_no_sign_is_a_wildcard_or_an_operator(alice: Customer, words: str) -> None:
    (job,) = titled(alice, "a unicorn")
    answer = alice.browser.get("/gallery", {"q": words, "status": "failed"})
    assert job.pk.hex not in answer.content.decode().replace("-", "")


@pytest.mark.parametrize("words", [*ODD_WORDS, "\x00"])
def test_odd_words_make_a_film_or_a_clear_refusal(alice: Customer, words: str) -> None:
    answer = alice.post(
        "/api/v3/alibaba/happyhorse-1.1/text-to-video", {"prompt": words, "duration": 3}
    )
    assert answer.status_code in {200, 400}, answer.content
    if answer.status_code == 200:
        assert Generation.objects.get().inputs["prompt"].strip() != ""


def test_a_script_in_prompt_names_and_titles_stays_text(alice: Customer) -> None:
    words = " ".join(BREAKOUTS)
    job = stage.words_job(alice, words)
    Generation.objects.filter(pk=job.pk).update(title=words[:60])
    alice.user.name = words[:80]
    alice.user.save(update_fields=["name"])
    alice.account.name = words[:200]
    alice.account.save(update_fields=["name"])
    browser = alice.browser
    browser.post("/account/keys", {"name": words[:60]})
    pages = ["/create", "/gallery?status=making", f"/films/{job.pk}", "/account/keys"]
    pages += [
        "/account/profile",
        "/account/team",
        "/billing",
        "/account/usage",
        f"/gallery?q={words}",
    ]
    for page in pages:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        text = answer.content.decode()
        for live in ("<script>alert", "<img src=x", "<svg/onload", 'href="javascript:'):
            assert live not in text, page
        assert "'unsafe-inline'" not in answer["Content-Security-Policy"], page
    assert "49{" not in browser.get(f"/films/{job.pk}").content.decode()


def test_a_script_in_what_an_operator_reads_stays_text(alice: Customer, bob: Customer) -> None:
    job = stage.words_job(alice, SCRIPT)
    Generation.objects.filter(pk=job.pk).update(title=SCRIPT)
    alice.account.name = SCRIPT
    alice.account.save(update_fields=["name"])
    bob.user.is_staff = bob.user.is_superuser = True
    bob.user.save()
    pages = ("generations/generation/", f"generations/generation/{job.pk}/change/")
    for page in (*pages, "accounts/account/"):
        answer = bob.browser.get(f"/admin/{page}")
        assert answer.status_code == 200, page
        assert SCRIPT not in answer.content.decode(), page
