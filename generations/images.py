"""First frames: judge a picture, keep it, and tell our own uploads from foreign addresses."""

import hashlib
import io
import secrets
import uuid
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from PIL import Image

from accounts.models import Account
from generations.catalog import IMAGE_BYTES_MAX, IMAGE_RATIO_MAX, IMAGE_SIDE_MIN
from generations.models import Upload

FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "BMP": "image/bmp", "WEBP": "image/webp"}
# What a client says that knows no more; the bytes decide.
UNKNOWN_TYPE = "application/octet-stream"
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "BMP": "bmp", "WEBP": "webp"}
# Enough for a 10 MB photograph of any camera, too little for a bomb to hurt: 8 bytes a pixel.
PIXELS_MAX = 60_000_000
TICKET_LIFE = timedelta(hours=1)
KEPT_FIELDS = ("file", "content_type", "size", "sha256", "width", "height")

TOO_HEAVY = gettext_noop("The picture is larger than %(megabytes)s MB. Save it smaller or as JPEG.")
TOO_NARROW = gettext_noop("The picture is %(pixels)s px wide; it needs at least %(least)s.")
TOO_LOW = gettext_noop("The picture is %(pixels)s px high; it needs at least %(least)s.")
TOO_LONG = gettext_noop(
    "The picture is %(width)s × %(height)s px, too long for its width: its sides may be at most "
    "2.5 to 1. Crop it."
)
TOO_LARGE = gettext_noop("The picture is too large to open. Make it smaller.")
TOO_MANY_PIXELS = gettext_noop(
    "The picture has %(width)s × %(height)s px; at most %(millions)s million pixels can be used. "
    "Make it smaller."
)
NO_PICTURE = gettext_noop(
    "This is not a complete JPEG, PNG, BMP or WEBP picture. Save it again and retry."
)
# What is said of any picture. A job keeps it in English: see generations.failures.
SENTENCES = (*(TOO_HEAVY, TOO_NARROW, TOO_LOW, TOO_LONG, TOO_LARGE, TOO_MANY_PIXELS, NO_PICTURE),)

_signer = signing.Signer(salt="generations.images")


class ImageRefused(ValueError):
    """The picture cannot be a first frame; the sentence says what to change."""


@dataclass(frozen=True)
class Facts:
    """What a picture is: Pillow's format name, and its size in pixels as it is shown."""

    format: str
    width: int
    height: int


def judge(content: bytes) -> Facts:
    """Decode the whole picture and measure it against the model's rules.

    Raises ImageRefused with a sentence for the customer.
    """
    if len(content) > IMAGE_BYTES_MAX:
        # Callers read one byte past the limit and no more: the real size is not known here.
        raise ImageRefused(_(TOO_HEAVY) % {"megabytes": IMAGE_BYTES_MAX // 1024 // 1024})
    facts = _decode(content)
    if min(facts.width, facts.height) < IMAGE_SIDE_MIN:
        sentence = _(TOO_NARROW) if facts.width <= facts.height else _(TOO_LOW)
        sides = {"pixels": min(facts.width, facts.height), "least": IMAGE_SIDE_MIN}
        raise ImageRefused(sentence % sides)
    longest, shortest = sorted((facts.width, facts.height), reverse=True)
    if longest * IMAGE_RATIO_MAX[1] > shortest * IMAGE_RATIO_MAX[0]:
        raise ImageRefused(_(TOO_LONG) % {"width": facts.width, "height": facts.height})
    return facts


def _decode(content: bytes) -> Facts:
    try:
        with Image.open(io.BytesIO(content), formats=list(FORMATS)) as image:
            width, height = image.size
            # Asked of the header, before a single pixel is unpacked.
            if width * height > PIXELS_MAX:
                raise _too_many_pixels(width, height)
            image.load()
            # EXIF orientation 5 to 8: the picture is shown turned by a quarter.
            if image.getexif().get(0x0112) in {5, 6, 7, 8}:
                width, height = height, width
            # Telephones append pictures to a JPEG; it stays one, whatever Pillow calls it.
            name = "JPEG" if image.format == "MPO" else str(image.format)
            return Facts(name, width, height)
    except ImageRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageRefused(_(TOO_LARGE)) from error
    except (OSError, SyntaxError, ValueError, IndexError) as error:
        # What Pillow raises for unknown formats and for broken files of known ones.
        raise ImageRefused(_(NO_PICTURE)) from error


def _too_many_pixels(width: int, height: int) -> ImageRefused:
    size = {"width": width, "height": height, "millions": PIXELS_MAX // 1_000_000}
    return ImageRefused(_(TOO_MANY_PIXELS) % size)


def receive(account: Account, content: bytes, filename: str, *, claimed_type: str = "") -> Upload:
    """Judge and keep a picture that came in one piece. Raises ImageRefused."""
    facts = judge(content)
    if claimed_type and claimed_type != FORMATS[facts.format]:
        raise ImageRefused(
            f"The picture was sent as {claimed_type} but is {FORMATS[facts.format]}. "
            "Send it with its own content type."
        )
    upload = Upload(account=account, filename=filename[:200])
    _keep(upload, content, facts)
    upload.save(force_insert=True)
    return upload


def open_ticket(account: Account, filename: str, size: int, content_type: str) -> Upload:
    """Note that a picture will be PUT. Raises ImageRefused for what would be refused anyway."""
    content_type = content_type or UNKNOWN_TYPE
    if content_type not in {*FORMATS.values(), UNKNOWN_TYPE}:
        raise ImageRefused(
            f"{content_type} cannot be used; send one of {', '.join(sorted(FORMATS.values()))}."
        )
    if not 0 < size <= IMAGE_BYTES_MAX:
        raise ImageRefused(f"The size must be from 1 to {IMAGE_BYTES_MAX} bytes, not {size}.")
    return Upload.objects.create(
        account=account, filename=filename[:200], content_type=content_type, size=size
    )


def fill_ticket(upload: Upload, content: bytes, content_type: str) -> None:
    """Take in the bytes of a ticket, once. Raises ImageRefused."""
    if upload.is_ready:
        raise ImageRefused("This upload is complete. Ask for a new one.")
    if upload.created_at < timezone.now() - TICKET_LIFE:
        raise ImageRefused("This upload address has expired. Ask for a new one.")
    facts = judge(content)
    if {content_type, upload.content_type} not in ({UNKNOWN_TYPE}, {FORMATS[facts.format]}):
        raise ImageRefused(
            f"The upload was announced as {upload.content_type}, sent as "
            f"{content_type or 'no type'} and is {FORMATS[facts.format]}: the three must agree."
        )
    _keep(upload, content, facts)
    changes = {name: getattr(upload, name) for name in KEPT_FIELDS}
    if Upload.objects.filter(pk=upload.pk, file="").update(**changes) != 1:
        # Another PUT came first, and its picture may be in a job already.
        default_storage.delete(upload.file)
        raise ImageRefused("This upload is complete. Ask for a new one.")


def own_upload(account: Account, url: str) -> Upload | None:
    """Return the account's upload behind an address that we gave out, else None.

    Raises ImageRefused for an address of ours that is not this account's or not filled.
    """
    if not url.startswith(settings.PUBLIC_URL + "/"):
        return None
    try:
        match = resolve(urlsplit(url).path)
    except Resolver404:
        return None
    if match.url_name != "upload_file":
        return None
    upload = by_token(match.kwargs["token"])
    if upload is None or upload.account_id != account.pk or not upload.is_ready:
        raise ImageRefused("is an upload that you do not have; please upload the picture first")
    return upload


def address(upload: Upload) -> str:
    """Return where the picture can be read by whoever was told; the address cannot be guessed."""
    return f"{settings.PUBLIC_URL}{path(upload)}"


def path(upload: Upload) -> str:
    """Return the picture's address on this site, as our own pages need it."""
    return reverse("upload_file", kwargs={"token": token(upload), "filename": upload.safe_filename})


def token(upload: Upload) -> str:
    """Return the upload's signed name for addresses."""
    signed: str = _signer.sign(upload.pk.hex)
    return signed.replace(":", "-", 1)


def by_token(signed: str) -> Upload | None:
    """Return the upload of a signed name, or None."""
    try:
        value = _signer.unsign(signed.replace("-", ":", 1))
    except signing.BadSignature:
        return None
    return Upload.objects.filter(pk=uuid.UUID(value)).first()


def _keep(upload: Upload, content: bytes, facts: Facts) -> None:
    # Two PUTs of one ticket may meet, and a bucket would let one write over the other.
    name = f"uploads/{upload.pk.hex}-{secrets.token_hex(4)}.{EXTENSIONS[facts.format]}"
    upload.file = default_storage.save(name, ContentFile(content))
    upload.content_type = FORMATS[facts.format]
    upload.size = len(content)
    upload.sha256 = hashlib.sha256(content).hexdigest()
    upload.width, upload.height = facts.width, facts.height
