"""Keep secrets that we must be able to read again, so that a copy of the database tells none.

Sealed with keys derived from SECRET_KEY; those of SECRET_KEY_FALLBACKS still open. Format: Fernet.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext, gettext_noop

PURPOSE = b"gallop.sealing:"
UNREADABLE = gettext_noop("This secret can no longer be read. Replace it by a new one.")


class Unreadable(Exception):
    """The secret was sealed under a SECRET_KEY that is gone; only a new secret helps."""

    def __init__(self) -> None:
        super().__init__(gettext(UNREADABLE))


def seal(secret: str) -> str:
    """Return the secret as it may be stored; twice the same secret looks different."""
    return _box().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the secret. Raises Unreadable."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(PURPOSE + str(key).encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
