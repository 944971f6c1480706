"""Media in a bucket: everything works as in a folder, and readers are sent there for the bytes."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config import media
from generations import delivery, disposal, storage
from generations.models import DiscardedFile, Generation
from tests.bucket import PAGE_SIZE, Bucket
from tests.cast import Customer
from tests.generations import stage
from tests.generations.stage import fresh
from tests.pictures import draw
from tests.ports import free_port


def path(generation: Generation, part: str = "video.mp4") -> str:
    return f"/films/{generation.pk}/{part}"


def sent_to(browser: Client, address: str) -> str:
    """Return where an address of ours sends its reader."""
    answer = browser.get(address)
    assert answer.status_code == 302, answer.content
    return str(answer["Location"])


def test_a_film_and_all_that_belongs_to_it_are_kept_there(
    filmed: Generation, bucket: Bucket, reel: Path, settings: Settings
) -> None:
    assert filmed.upload is not None
    names = [*(getattr(filmed, part) for part in disposal.PARTS), filmed.upload.file]
    assert bucket.names() == sorted(names)
    assert bucket.content(filmed.video) == reel.read_bytes()
    assert bucket.content(filmed.upload.file) == draw()
    types = {
        name.rpartition(".")[2]: bucket.client.head_object(Bucket=bucket.name, Key=name)[
            "ContentType"
        ]
        for name in names
    }
    assert {"mp4": "video/mp4", "jpg": "image/jpeg"}.items() <= types.items()
    assert not Path(settings.MEDIA_ROOT).exists()


def test_nobody_reads_the_bucket_without_an_address_of_ours(
    filmed: Generation, bucket: Bucket
) -> None:
    assert httpx.get(f"{bucket.url}/{bucket.name}/{filmed.video}").status_code == 403


@pytest.mark.parametrize(
    ("part", "content_type"),
    [
        ("video.mp4", "video/mp4"),
        ("preview.mp4", "video/mp4"),
        ("poster.jpg", "image/jpeg"),
        ("poster-small.webp", "image/webp"),
        ("strip.jpg", "image/jpeg"),
        ("picture", "image/jpeg"),
    ],
)
def test_the_owner_is_sent_to_each_file(
    part: str, content_type: str, filmed: Generation, alice: Customer, bucket: Bucket
) -> None:
    address = sent_to(alice.browser, path(filmed, part))

    answer = httpx.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == content_type
    assert answer.headers["Cache-Control"] == "private"
    assert answer.content in {bucket.content(name) for name in bucket.names()}


def test_the_address_is_good_for_an_hour_and_one_file(filmed: Generation, alice: Customer) -> None:
    answer = alice.browser.get(path(filmed))

    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["X-Amz-Expires"] == ["3600"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert urlsplit(answer["Location"]).path.endswith(filmed.video)
    # The browser asks us again before the address ends.
    assert answer["Cache-Control"] == "private, max-age=1800"


@pytest.mark.parametrize(
    "part", ["video.mp4", "poster.jpg", "poster-small.webp", "preview.mp4", "picture"]
)
def test_nobody_else_is_sent_anywhere(part: str, filmed: Generation, charlie: Customer) -> None:
    assert charlie.browser.get(path(filmed, part)).status_code == 404
    assert Client().get(path(filmed, part)).status_code == 404


def test_a_range_is_answered_behind_the_redirect(
    filmed: Generation, alice: Customer, reel: Path
) -> None:
    address = sent_to(alice.browser, path(filmed))

    answer = httpx.get(address, headers={"Range": "bytes=1000-1999"})

    assert answer.status_code == 206
    assert answer.content == reel.read_bytes()[1000:2000]
    assert answer.headers["Content-Range"] == f"bytes 1000-1999/{filmed.size}"


def test_a_download_keeps_its_name_behind_the_redirect(filmed: Generation, alice: Customer) -> None:
    answer = httpx.get(sent_to(alice.browser, path(filmed) + "?download"))

    name = f"gallop-{filmed.pk.hex[:8]}.mp4"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_the_apis_address_leads_a_program_to_the_film(
    filmed: Generation, alice: Customer, reel: Path
) -> None:
    data = alice.get(f"/api/v3/predictions/{filmed.id.hex}/result").json()["data"]
    [address] = data["outputs"]
    assert address == delivery.video_address(filmed)

    assert httpx.get(sent_to(Client(), address)).content == reel.read_bytes()
    forged = re.sub("signature=.", "signature=_", address)
    assert Client().get(forged).status_code == 404


def test_a_film_that_is_gone_from_the_bucket_is_404(
    filmed: Generation, alice: Customer, bucket: Bucket
) -> None:
    bucket.client.delete_object(Bucket=bucket.name, Key=filmed.video)

    assert alice.browser.get(path(filmed)).status_code == 404


def test_a_film_in_a_bucket_that_is_down_is_503(
    filmed: Generation, alice: Customer, bucket: Bucket, settings: Settings
) -> None:
    bucket.use(settings, endpoint_url=f"http://127.0.0.1:{free_port()}")

    answer = alice.browser.get(path(filmed))

    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "Try again in a minute" in answer.content.decode()


def test_stills_are_not_asked_for_before_the_reader_is_sent(
    filmed: Generation, alice: Customer, bucket: Bucket, settings: Settings
) -> None:
    bucket.use(settings, endpoint_url=f"http://127.0.0.1:{free_port()}")

    assert sent_to(alice.browser, path(filmed, "poster.jpg")).startswith("http://127.0.0.1:")


def test_a_deleted_film_leaves_the_bucket(filmed: Generation, bucket: Bucket) -> None:
    assert disposal.delete_generation(filmed)
    assert disposal.clear() == 6
    assert bucket.names() == []

    disposal.discard(["films/never-was.mp4"])
    assert disposal.clear() == 1


def test_a_bucket_that_is_down_keeps_the_notes(
    filmed: Generation, bucket: Bucket, settings: Settings
) -> None:
    disposal.delete_generation(filmed)
    bucket.use(settings, endpoint_url=f"http://127.0.0.1:{free_port()}")

    assert disposal.clear() == 0
    assert DiscardedFile.objects.count() == 6

    bucket.use(settings)
    assert disposal.clear() == 6


def test_orphans_are_found_in_the_bucket(
    filmed: Generation, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = default_storage.save(f"films/{filmed.id.hex}/lost.mp4", ContentFile(b"x"))
    default_storage.save("readme.txt", ContentFile(b"x"))
    assert list(disposal.orphans(timezone.now())) == []

    monkeypatch.setattr(disposal, "ORPHAN_AGE", -disposal.ORPHAN_AGE)

    assert list(disposal.orphans(timezone.now())) == [lost]
    assert disposal.sweep() == 1
    assert lost not in bucket.names()
    assert len(bucket.names()) == 7


def test_a_folder_inside_of_the_bucket_is_kept_to(bucket: Bucket, settings: Settings) -> None:
    bucket.client.put_object(Bucket=bucket.name, Key="films/of-others.mp4", Body=b"x")
    bucket.use(settings, location="gallop")

    name = default_storage.save("films/1/a.mp4", ContentFile(b"mine"))

    assert name == "films/1/a.mp4"
    assert bucket.content("gallop/films/1/a.mp4") == b"mine"
    assert [file.name for file in media.storage().walk("films")] == [name]


def test_walking_goes_on_after_a_page(bucket: Bucket) -> None:
    for number in range(2 * PAGE_SIZE + 1):
        bucket.client.put_object(Bucket=bucket.name, Key=f"films/{number}", Body=b"")
    first = bucket.client.list_objects_v2(Bucket=bucket.name)

    assert first["KeyCount"] == PAGE_SIZE
    assert first["IsTruncated"]
    assert sum(1 for _ in media.storage().walk("films")) == 2 * PAGE_SIZE + 1


def test_a_picture_is_uploaded_and_read_by_its_address(alice: Customer, bucket: Bucket) -> None:
    upload = stage.upload(alice)

    job = stage.job(alice, upload)
    assert bucket.content(upload.file) == draw()
    address = job.inputs["image"]
    assert httpx.get(sent_to(Client(), urlsplit(address).path)).content == draw()


def test_a_job_goes_all_the_way(
    alice: Customer, bucket: Bucket, settle: Callable[[], None]
) -> None:
    job = stage.job(alice)

    settle()

    stage.assert_charged(job)
    assert fresh(job).video in bucket.names()


def test_a_film_that_cannot_be_kept_is_no_bad_film(
    alice: Customer, reel: Path, bucket: Bucket, settings: Settings
) -> None:
    job = stage.processing(alice)
    bucket.use(settings, endpoint_url=f"http://127.0.0.1:{free_port()}")

    with pytest.raises(storage.StorageDown, match="The bucket: "):
        storage.keep(job, reel)


@pytest.mark.usefixtures("down")
def test_every_question_to_a_bucket_out_of_reach_is_answered_in_one_way() -> None:
    files = media.storage()
    for ask in (files.exists, files.size, files.open, files.delete):
        with pytest.raises(media.StorageDown):
            ask("films/1.mp4")
    with pytest.raises(media.StorageDown):
        list(files.walk("films"))


def test_a_bucket_that_does_not_exist_or_refuses_is_down_not_empty(
    bucket: Bucket, settings: Settings
) -> None:
    bucket.use(settings, bucket_name="gallop-nowhere")

    with pytest.raises(media.StorageDown):
        media.storage().save("a.mp4", ContentFile(b"x"))
    with pytest.raises(media.StorageDown):
        media.storage().check()


def test_opening_what_is_not_there_is_no_trouble_of_the_bucket(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError):
        media.storage().open("films/1.mp4")
    with pytest.raises(FileNotFoundError):
        media.storage().size("films/1.mp4")


def test_an_upload_while_it_is_down_is_503_and_says_what_to_do(
    alice: Customer, down: Bucket
) -> None:
    answer = Client().post(
        "/api/v3/media/upload/binary",
        {"file": ContentFile(draw(), "disc.jpg")},
        headers=alice.bearer,
    )

    assert answer.status_code == 503
    assert answer.json()["code"] == 503
    assert "Try again in a minute" in answer.json()["message"]


def test_the_form_says_so_beside_the_picture(alice: Customer, down: Bucket) -> None:
    fields = {"resolution": "720p", "duration": "3", "prompt": "", "seed": ""}

    answer = alice.browser.post("/create", {**fields, "picture": ContentFile(draw(), "disc.jpg")})

    assert answer.status_code == 200
    assert "Pictures cannot be kept at the moment" in answer.content.decode()
    assert not Generation.objects.exists()


def test_readyz_names_a_bucket_out_of_reach_and_writes_nothing(
    bucket: Bucket, settings: Settings, db: None
) -> None:
    assert "storage" not in Client().get("/readyz").json()["status"]
    assert bucket.names() == []

    bucket.use(settings, endpoint_url=f"http://127.0.0.1:{free_port()}")

    assert "storage" in Client().get("/readyz").json()["status"]


def test_the_browser_may_show_what_comes_from_the_bucket(bucket: Bucket, db: None) -> None:
    policy = Client().get("/")["Content-Security-Policy"]

    assert f"img-src 'self' data: blob: {bucket.url};" in policy
    assert f"media-src 'self' blob: {bucket.url};" in policy


def test_amazons_own_bucket_has_its_own_origin(bucket: Bucket, settings: Settings) -> None:
    bucket.use(settings, endpoint_url=None, addressing_style="virtual", bucket_name="films")

    assert media.storage().origin == "https://films.s3.eu-central-1.amazonaws.com"
    address = media.storage().address("a.mp4", content_type="video/mp4", disposition="")
    assert address.startswith("https://films.s3.eu-central-1.amazonaws.com/a.mp4?")
