"""A private bucket of S3, or of anything that speaks its protocol, as the storage of media.

The library's errors become those of config.media, and no call waits long: a storage that is down
must be noticed while somebody is waiting for a page.
"""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from config.media import ADDRESS_SECONDS, StorageDown, Stored

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_SECONDS = 3
READ_SECONDS = 20
TRIES = 2
# A file that is read is kept in memory up to this, and on disk beyond: a film may have 500 MB.
MEMORY_BYTES_MAX = 8 * 1024 * 1024


def client_config(addressing_style: str) -> Config:
    """Return how the bucket is talked to; `addressing_style` is auto, path or virtual."""
    return Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
        s3={"addressing_style": addressing_style},
        signature_version="s3v4",
        # Checksums that only Amazon's own service knows would keep others out.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


def plainly(call: Callable[P, T]) -> Callable[P, T]:
    """Make every trouble with the bucket one: StorageDown."""

    @wraps(call)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except (Boto3Error, BotoCoreError, ClientError) as error:
            raise StorageDown(f"The bucket: {error}") from error

    return called


class Bucket(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """The bucket of the settings. Its objects are private: readers get an address for an hour."""

    def __init__(self, *, addressing_style: str, **options: Any) -> None:
        limits = {"max_memory_size": MEMORY_BYTES_MAX}
        super().__init__(client_config=client_config(addressing_style), **limits, **options)

    @property
    def origin(self) -> str:
        """Where its addresses begin: scheme, host and port."""
        # Asked without our keys: these may come from the machine's role, over the network.
        client = self.unsigned_connection.meta.client
        place = {"Bucket": self.bucket_name, "Key": "x"}
        address = urlsplit(client.generate_presigned_url("get_object", Params=place))
        return f"{address.scheme}://{address.netloc}"

    @plainly
    def _save(self, name: str, content: Any) -> str:
        saved: str = super()._save(name, content)
        return saved

    @plainly
    def _open(self, name: str, mode: str = "rb") -> Any:
        file = super()._open(name, mode)
        # Fetched here, so that trouble on the way is told by this call and no later one.
        return file.open() if "r" in mode else file

    @plainly
    def delete(self, name: str) -> None:
        """Remove an object; what is not there is no error."""
        super().delete(name)

    @plainly
    def exists(self, name: str) -> bool:
        """Tell whether there is such an object."""
        return bool(super().exists(name))

    @plainly
    def size(self, name: str) -> int:
        """Return its length in bytes. Raises FileNotFoundError."""
        return int(super().size(name))

    @plainly
    def address(self, name: str, *, content_type: str, disposition: str) -> str:
        """Return an address that opens this object for an hour, without asking the bucket."""
        answer = {"ResponseContentType": content_type, "ResponseCacheControl": "private"}
        if disposition:
            answer["ResponseContentDisposition"] = disposition
        return str(self.url(name, parameters=answer, expire=ADDRESS_SECONDS))

    def walk(self, folder: str) -> Iterator[Stored]:
        """Yield all objects below a folder, "" for the whole, a thousand a call."""
        place = self._normalize_name(folder) if folder else self.location
        return self._walked(f"{place}/" if place else "")

    def _walked(self, prefix: str) -> Iterator[Stored]:
        start = len(self.location) + 1 if self.location else 0
        objects = iter(self.bucket.objects.filter(Prefix=prefix))
        following = plainly(lambda: next(objects, None))
        while (found := following()) is not None:
            yield Stored(found.key[start:], found.last_modified)

    @plainly
    def check(self) -> None:
        """Raise StorageDown unless the bucket is there and answers us; nothing is written."""
        self.connection.meta.client.head_bucket(Bucket=self.bucket_name)
