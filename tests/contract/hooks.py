"""What Schemathesis cannot know of our calls; it loads this by SCHEMATHESIS_HOOKS.

Nothing here looks at answers: it only says how to make requests that mean something.
"""

import itertools
import os
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

import schemathesis
from hypothesis import strategies as st

from tests.pictures import draw

# Each keeps a thread of the site for up to 90 s: enough to see it, too slow for every case.
WAITING_MAX = int(os.environ["CONTRACT_WAITING_MAX"])
# An announced picture that has not come cannot be used, and no schema sees whether it has.
OWN_UPLOAD = "/uploads/"
PICTURE = "https://example.com/horse.jpg"
# What the catalogue accepts as one; anything else is to be refused, and stays as it is.
IMAGE = re.compile(r"https?://[^\x00]{0,2040}", re.DOTALL)
KINDS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/bmp": "BMP", "image/webp": "WEBP"}

KEY = "Idempotency-Key"
# The same few keys come again and again: left alone, nearly every request would be a 409.
REPEATED_EACH = 8

_waiting, _keys = itertools.count(1), itertools.count(1)


def pictures(*formats: str) -> st.SearchStrategy[bytes]:
    """Return pictures of these formats: no schema describes one, and random bytes are none."""
    sizes = ((320, 320), (480, 320), (300, 750))
    return st.sampled_from([draw(*size, format=name) for size in sizes for name in formats])


for kind, name in KINDS.items():
    schemathesis.openapi.media_type(kind, pictures(name))
schemathesis.openapi.media_type("application/octet-stream", pictures(*KINDS.values()))
schemathesis.openapi.format("binary", pictures(*KINDS.values()))


def _breaks_its_reader(image: object) -> bool:
    """Tell whether Schemathesis 4.32.5 would break off when an answer names this address.

    It reads every address in an answer with urllib, and does not expect the ValueError for half
    of an IPv6 address. We take such an image, and the job fails with what is wrong with it.
    """
    if not isinstance(image, str) or IMAGE.fullmatch(image) is None:
        return False
    try:
        urlsplit(image)
    except ValueError:
        return True
    return False


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Let only the first few requests wait for their film, and most be new ones."""
    del context, kwargs
    body, headers = case.body, case.headers
    if isinstance(body, dict):
        if body.get("enable_sync_mode") is True:
            body["enable_sync_mode"] = next(_waiting) <= WAITING_MAX
        if OWN_UPLOAD in str(body.get("image", "")) or _breaks_its_reader(body.get("image")):
            body["image"] = PICTURE
    if headers and headers.get(KEY) and next(_keys) % REPEATED_EACH:
        headers[KEY] = f"{headers[KEY][:200]}{uuid.uuid4()}"
