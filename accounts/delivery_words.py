"""Why a message was not delivered: kept in English beside it, read in the customer's language."""

from django.utils.translation import gettext_noop

from config import outbound, sealing
from config.stored_words import StoredWords

SWITCHED_OFF = gettext_noop("The webhook was switched off before this was delivered.")
ANSWERED = gettext_noop("It answered %(status)s.")
REDIRECTED = gettext_noop(
    "It answered %(status)s. Redirects are not followed: give the final address."
)


def answered(status_code: int) -> str:
    """Return the words for an answer that is not 2xx."""
    redirects = 300 <= status_code < 400
    return (REDIRECTED if redirects else ANSWERED) % {"status": status_code}


def said(trouble: str) -> str:
    """Return the kept words in the language of now."""
    return _WORDS.again(trouble)


# The longer one comes before what it begins with.
_WORDS = StoredWords((SWITCHED_OFF, REDIRECTED, ANSWERED, sealing.UNREADABLE, *outbound.SENTENCES))
