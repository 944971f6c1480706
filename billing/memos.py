"""What a movement of credit was for: kept in English, read in the customer's language."""

from django.utils.translation import gettext, gettext_noop

from config.stored_words import StoredWords

BOUGHT = gettext_noop("Credit bought")
BONUS = gettext_noop("Bonus on your purchase")
BONUS_BACK = gettext_noop("Bonus of that purchase")
REFUND = gettext_noop("Refund to your card")
REFUND_FAILED = gettext_noop("The refund did not reach your card")
DISPUTED = gettext_noop("Payment disputed at your bank")
DISPUTE_WON = gettext_noop("Dispute decided, payment returned")
WELCOME = gettext_noop("Welcome to Gallop")
CODE = gettext_noop("Code %(code)s")
EXPIRED = gettext_noop("Promotion expired")
OWED_PAID = gettext_noop("Owed sum paid")
TEST_CREDIT = gettext_noop("Test credit")
GIVEN = gettext_noop("Credit from Gallop")
GRANTED = gettext_noop("Credit granted")
CORRECTED = gettext_noop("Correction")
FORGIVEN = gettext_noop("Owed sum forgiven")
# As generations.models writes a film's line, and what came back of its price.
SHORTER_FILM = gettext_noop(
    "%(model)s · %(resolution)s · %(seconds)s s · came out %(missing)s s shorter"
)
FILM = gettext_noop("%(model)s · %(resolution)s · %(seconds)s s")


def said(memo: str) -> str:
    """Return a memo in the language of now; one that is not from here as it is."""
    return _WORDS.again(memo)


_WORDS = StoredWords(
    (
        *(BOUGHT, BONUS, BONUS_BACK, REFUND, REFUND_FAILED, DISPUTED, DISPUTE_WON, WELCOME, CODE),
        *(EXPIRED, OWED_PAID, TEST_CREDIT, GIVEN, GRANTED, CORRECTED, FORGIVEN, SHORTER_FILM, FILM),
    ),
    model=gettext,
)
