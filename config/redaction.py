"""What gets into no log and no error report: keys, signatures, mail addresses, customers' words.

Texts are searched for the shape of secrets and for the secrets of the settings themselves. A
database's complaint quotes the row that it refuses, prompt and all: the quotation goes.
"""

import re
from collections.abc import Iterable

HIDDEN = "[hidden]"
# A shorter one would be found in innocent words.
SECRET_LENGTH_MIN = 12

_SHAPES = [
    (re.compile(pattern, flags), f"\\g<1>{HIDDEN}\\g<2>")
    for pattern, flags in (
        # Our keys, those of Stripe, and the secrets that sign webhooks.
        (r"\b((?:gal|sk|rk|pk)_(?:live|test)_)[A-Za-z0-9_-]{6,}()", 0),
        (r"\b(whsec_)[A-Za-z0-9+/=_-]{4,}()", 0),
        (r"\b(Bearer\s+)[^\s\"',]+()", re.IGNORECASE),
        # Addresses that are themselves a permission.
        (
            r"([?&](?:[\w-]*(?:signature|credential|token|secret|key))=)[^&\s\"'<>]+()",
            re.IGNORECASE,
        ),
        (
            r"(/(?:uploads|confirm|confirm-email|reset/key|invitations?|share|s)/)[^/\s\"'<>]{6,}()",
            0,
        ),
        (r"(://[^/\s:@]*:)[^/\s@]+(@)", 0),
        (r"(?<![\w.+-])()[\w.+-]+(@[\w-]+(?:\.[\w-]+)+)", 0),
        # PostgreSQL, of a row that breaks a rule.
        (r"(Failing row contains \().*?(\)\.?(?:\n|$))", re.DOTALL),
        (r"(Key \([^)\n]*\)=\().*(\))", 0),
    )
]

_secrets: list[str] = []


def keep_secret(values: Iterable[str]) -> None:
    """Hide these values wherever they turn up; those that are too short are left out."""
    _secrets.extend(value for value in values if len(value) >= SECRET_LENGTH_MIN)


def redacted(text: str) -> str:
    """Return the text without what must not be kept."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text
