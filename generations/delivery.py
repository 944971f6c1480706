"""Hand out private files: signed addresses for programs, and byte ranges so that films seek.

Source of the ranges: RFC 9110, section 14. Only single ranges are honoured; for several the
whole file is sent, as the RFC allows.
"""

import re
from collections.abc import Iterator

from django.conf import settings
from django.core import signing
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from generations.models import Generation

CHUNK_BYTES = 64 * 1024
ADDRESS_SECONDS = 7 * 24 * 3600
CONTENT_TYPES = {"mp4": "video/mp4", "jpg": "image/jpeg", "png": "image/png",
                 "bmp": "image/bmp", "webp": "image/webp"}  # fmt: skip

_signer = signing.TimestampSigner(salt="generations.delivery")
# No file is longer than 18 digits of bytes, and longer numbers are costly to read.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


def video_address(generation: Generation) -> str:
    """Return an address of the video that works without a key for seven days."""
    path = reverse("film_file", kwargs={"pk": generation.pk, "part": "video.mp4"})
    return f"{settings.PUBLIC_URL}{path}?signature={_signer.sign(generation.id.hex)}"


def signature_fits(generation_id: str, signature: str) -> bool:
    """Tell whether the signature was made for this job within the last seven days."""
    try:
        return bool(_signer.unsign(signature, max_age=ADDRESS_SECONDS) == generation_id)
    except signing.BadSignature:
        return False


def serve(request: HttpRequest, name: str, *, download_as: str = "") -> HttpResponseBase:
    """Answer with a stored file: 200, 206 for one range, 416 for one outside of it.

    Raises Http404 when the storage has no such file.
    """
    if not name or not default_storage.exists(name):
        raise Http404("The file is gone.")
    size = default_storage.size(name)
    asked = _asked(request.headers.get("Range", ""))
    if asked is None:
        response: HttpResponseBase = FileResponse(default_storage.open(name))
    else:
        response = _part(name, size, *_bounds(size, *asked))
    response["Content-Type"] = CONTENT_TYPES[name.rsplit(".", 1)[-1]]
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, max-age=3600"
    # A picture is a picture: no browser may take it for a page and run it.
    response["X-Content-Type-Options"] = "nosniff"
    if download_as:
        response["Content-Disposition"] = f'attachment; filename="{download_as}"'
    return response


def _asked(header: str) -> tuple[str, str] | None:
    """Return the two ends of a single range, None for what the RFC wants ignored."""
    found = _RANGE.fullmatch(header)
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    return None if first and last and int(last) < int(first) else (first, last)


def _bounds(size: int, first: str, last: str) -> tuple[int, int]:
    """Return the first and last byte asked for; the last bytes when only a length is given."""
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


def _part(name: str, size: int, first: int, last: int) -> HttpResponseBase:
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = StreamingHttpResponse(_read(name, first, last - first + 1), status=206)
    response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Content-Length"] = str(last - first + 1)
    return response


def _read(name: str, first: int, length: int) -> Iterator[bytes]:
    with default_storage.open(name) as file:
        file.seek(first)
        while length > 0 and (chunk := file.read(min(CHUNK_BYTES, length))):
            length -= len(chunk)
            yield chunk
