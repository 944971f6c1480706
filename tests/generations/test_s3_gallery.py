"""Films in a bucket are downloaded together and gone on from, as those in a folder."""

import html
import io
import zipfile
from pathlib import Path

from config import media
from config.errors import STORAGE_DOWN
from generations import marking
from generations.models import Generation
from tests.bucket import Bucket
from tests.cast import Customer


def test_films_of_the_bucket_come_in_one_zip(
    filmed: Generation, alice: Customer, reel: Path
) -> None:
    answer = alice.browser.post("/gallery/download", {"film": [str(filmed.pk)]})
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as archive:
        [name] = archive.namelist()
        assert archive.read(name) == reel.read_bytes()


def test_a_large_film_of_the_bucket_is_read_by_way_of_the_disk(bucket: Bucket) -> None:
    for megabytes, on_disk in ((1, False), (12, True)):
        content = io.BytesIO(bytes(megabytes * 1024 * 1024))
        bucket.client.upload_fileobj(content, bucket.name, "large.mp4")
        with media.storage().open("large.mp4") as file:
            assert getattr(file, "file")._rolled is on_disk  # noqa: B009  what S3File alone has


def test_a_bucket_out_of_reach_is_told_on_a_page(
    filmed: Generation, down: Bucket, alice: Customer
) -> None:
    for path, fields in (
        ("/gallery/download", {"film": [str(filmed.pk)]}),
        (f"/films/{filmed.pk}/last-frame", {}),
    ):
        answer = alice.browser.post(path, fields, follow=True)
        assert answer.status_code == 200
        assert STORAGE_DOWN in html.unescape(answer.content.decode())


def test_the_last_frame_of_a_film_in_the_bucket_goes_there_too(
    filmed: Generation, bucket: Bucket
) -> None:
    upload = marking.last_frame(filmed)
    assert bucket.client.head_object(Bucket=bucket.name, Key=upload.file)["ContentLength"] > 1000
