"""Hand out private files: signed addresses for programs, and byte ranges so that films seek.

Who may have a file is asked here each time. A folder's files we send ourselves; to a bucket's we
send the reader on, with an address that opens this one file for an hour.

Source of the ranges: RFC 9110, section 14. Only single ranges are honoured; for several the
whole file is sent, as the RFC allows.
"""

import re
from collections.abc import Iterator

from django.conf import settings
from django.core import signing
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from config import media
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

    From a bucket it is 302 to the file, and the range is the bucket's to answer. Raises Http404
    when the storage has no such file; a still that is missing from a bucket is missed there.
    """
    if not name:
        raise Http404("The file is gone.")
    content_type = CONTENT_TYPES[name.rsplit(".", 1)[-1]]
    disposition = f'attachment; filename="{download_as}"' if download_as else ""
    address = media.storage().address(name, content_type=content_type, disposition=disposition)
    if address:
        return _sent_on(name, address)
    response = _from_folder(request, name)
    response["Content-Type"] = content_type
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, max-age=3600"
    # A picture is a picture: no browser may take it for a page and run it.
    response["X-Content-Type-Options"] = "nosniff"
    if disposition:
        response["Content-Disposition"] = disposition
    return response


def _sent_on(name: str, address: str) -> HttpResponseBase:
    # A program is told plainly; a gallery full of stills is not worth a question for each.
    if name.endswith(".mp4"):
        try:
            if not media.storage().exists(name):
                raise Http404("The file is gone.")
        except media.StorageDown:
            words = _("The film cannot be fetched at the moment. Try again in a minute.")
            return HttpResponse(words, status=503, headers={"Retry-After": "60"})
    response = HttpResponseRedirect(address)
    # Kept for less than the address is good, so that a gallery asks once and nobody comes too late.
    response["Cache-Control"] = f"private, max-age={media.ADDRESS_SECONDS // 2}"
    return response


def _from_folder(request: HttpRequest, name: str) -> HttpResponseBase:
    files = media.storage()
    if not files.exists(name):
        raise Http404("The file is gone.")
    size = files.size(name)
    asked = _asked(request.headers.get("Range", ""))
    return _part(name, size, *_bounds(size, *asked)) if asked else FileResponse(files.open(name))


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
    with media.storage().open(name) as file:
        file.seek(first)
        while length > 0 and (chunk := file.read(min(CHUNK_BYTES, length))):
            length -= len(chunk)
            yield chunk
