"""What a customer is told of automatic top-ups.

The sentences are kept in English beside the rule and the purchase, and said again in the language
of whoever reads the page or the mail.
"""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop

from config.stored_words import StoredWords

# As the sentences carry them.
DAY, MOMENT = "%-d %B", "%-d %B, %H:%M UTC"
# Days without a year are read as days of a year that has them all.
LEAP_YEAR = 2000

ADDED = gettext_noop(
    "Your credit fell below your threshold, so we added %(sum)s from your saved card."
)
NOT_ADDED = gettext_noop("We could not add %(sum)s: %(why)s You were not charged.")
SWITCHED_OFF = gettext_noop(
    "After %(declines)s attempts automatic top-ups are off. Buy credit with another card, save it "
    "for top-ups, and turn them on again."
)
NEXT_TRY = gettext_noop(
    "We try again on %(moment)s. Until then you can buy credit yourself, and save another card "
    "with it."
)
CONFIRM = gettext_noop("Your bank wants you to confirm the top-up of %(sum)s yourself.")
NOT_CHARGED = gettext_noop("You were not charged.")
PAUSED = gettext_noop("You were not charged. Top-ups are paused until you confirm.")
LINK_ONCE = gettext_noop("The link works once, within %(days)s days.")
CARD_LOST = gettext_noop("Your saved card is no longer available, so automatic top-ups are off.")
SAVE_CARD = gettext_noop(
    "You were not charged. Save a card with your next purchase to turn them on again."
)
NO_ANSWER = gettext_noop(
    "The payment service did not answer when we wanted to add %(sum)s. You were not charged; we "
    "try again soon."
)
CAP_REACHED = gettext_noop(
    "Another top-up would pass your limit of %(sum)s a month, so we made none."
)
NEXT_MONTH = gettext_noop(
    "Top-ups go on by themselves on %(day)s. You can raise the limit at any time, or buy credit "
    "yourself."
)
REFUNDED = gettext_noop("A payment was refunded to you, so automatic top-ups are off.")
OFF_FOR_NOW = gettext_noop("We charge nothing by ourselves until you turn them on again.")
# Subjects of mails, and the words on their buttons.
SUBJECT_ADDED = gettext_noop("We added %(sum)s of credit")
SUBJECT_NOT_ADDED = gettext_noop("We could not top up %(sum)s")
SUBJECT_CONFIRM = gettext_noop("Please confirm your top-up of %(sum)s")
SUBJECT_OFF = gettext_noop("Automatic top-ups are off")
SUBJECT_CAP = gettext_noop("Your monthly limit for top-ups is reached")
SEE_BALANCE = gettext_noop("See your balance")
OPEN_BILLING = gettext_noop("Open your billing page")
CONFIRM_PAYMENT = gettext_noop("Confirm the payment")

CANCELED = gettext_noop("The payment was canceled.")
DECLINED = gettext_noop("Your card was declined.")
# Stripe's own words, in what it says most often; others stay English.
STRIPE_SAYS = (
    CANCELED,
    DECLINED,
    gettext_noop("Your card has insufficient funds."),
    gettext_noop("Your card has expired."),
    gettext_noop("Your card's security code is incorrect."),
    gettext_noop("Your card number is incorrect."),
    gettext_noop("Your card does not support this type of purchase."),
    gettext_noop("An error occurred while processing your card. Try again in a little bit."),
)


def said(text: str) -> str:
    """Return what was kept, or what a mail begins with, in the language of now."""
    return _WORDS.again(text)


def _why(text: str) -> str:
    return gettext(text) if text in STRIPE_SAYS else text


def _day(text: str) -> str:
    day = datetime.strptime(f"{LEAP_YEAR} {text} +0000", "%Y %d %B %z")
    return date_format(day, "MONTH_DAY_FORMAT")


def _moment(text: str) -> str:
    moment = datetime.strptime(f"{LEAP_YEAR} {text} +0000", "%Y %d %B, %H:%M UTC %z")
    return f"{date_format(moment, 'MONTH_DAY_TIME_FORMAT')} UTC"


_WORDS = StoredWords(
    (
        *(ADDED, NOT_ADDED, SWITCHED_OFF, NEXT_TRY, CONFIRM, PAUSED, LINK_ONCE, CARD_LOST),
        # Longer ones come before what they begin with.
        *(SAVE_CARD, NOT_CHARGED, NO_ANSWER, CAP_REACHED, NEXT_MONTH, REFUNDED, OFF_FOR_NOW),
        *(SUBJECT_ADDED, SUBJECT_NOT_ADDED, SUBJECT_CONFIRM, SUBJECT_OFF, SUBJECT_CAP),
        *(SEE_BALANCE, OPEN_BILLING, CONFIRM_PAYMENT),
    ),
    why=_why,
    day=_day,
    moment=_moment,
)
