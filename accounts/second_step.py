"""What Gallop asks of django-allauth's second steps: authenticator apps, codes and passkeys."""

import base64
import logging
import secrets

from allauth.mfa.adapter import DefaultMFAAdapter
from django.utils.translation import gettext as _

from config import sealing

logger = logging.getLogger(__name__)


class Adapter(DefaultMFAAdapter):
    """Keeps the secrets sealed, so that a copy of the database opens no door."""

    def encrypt(self, text: str) -> str:
        """Return the secret as the database keeps it."""
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret; one that can no longer be read is replaced by one nobody knows."""
        try:
            return sealing.unseal(encrypted_text)
        except sealing.Unreadable:
            logger.warning("A second step was sealed under a SECRET_KEY that is gone.")
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def generate_authenticator_name(self, user: object, type: str) -> str:  # noqa: A002, ARG002  allauth's signature
        """Return no name: the form asks for one."""
        return _("Passkey")
