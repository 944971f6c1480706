"""The rule of automatic top-ups: what a customer asked for, and how it is going.

The only writer of AutoTopUp. Every change that a payment brings is made inside the transaction
that settles the payment, after `lock`, so that a rule and its purchases never disagree.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import twins
from accounts.models import Account
from billing import gateway, money, notices, topup_link
from billing import topup_words as words
from billing.models import AutoTopUp, Purchase

State = AutoTopUp.State

# What a card is saved for: only to be there; to turn the rule on; to go on after a pause.
KEEP, START, RESUME = "keep", "start", "resume"
KEEPS = (KEEP, START, RESUME)

THRESHOLD_DOLLARS_MIN = 1
CAP_DOLLARS_MAX = 10_000
# The pause after the first decline, after the second; the next one switches the rule off.
BACK_OFF = (timedelta(hours=1), timedelta(hours=24))
SILENCE = timedelta(minutes=30)
BILLING = "/billing"
WHY_LENGTH_MAX = 100
# A rule that begins with a saved card, until the customer writes another.
THRESHOLD_DOLLARS_FIRST = 5
CAP_TIMES_FIRST = 4


@dataclass(frozen=True)
class Terms:
    """When to top up, by how much, and how much in a calendar month (UTC) at most."""

    threshold_micros: int
    amount_micros: int
    monthly_cap_micros: int


class InvalidTerms(ValueError):
    """Terms that we do not accept; `faults` has a sentence for each field that is wrong."""

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        super().__init__(" ".join(faults.values()))


def first_terms(amount_micros: int) -> Terms:
    """Return what a rule begins with, until the customer writes something else."""
    threshold = _dollars(THRESHOLD_DOLLARS_FIRST)
    return Terms(threshold, amount_micros, CAP_TIMES_FIRST * amount_micros)


def faults_of(terms: Terms) -> dict[str, str]:
    """Return a sentence for every field of the terms that is wrong."""
    amount = terms.amount_micros
    rules = {
        # A larger threshold would have one top-up follow the other.
        "threshold_micros": (terms.threshold_micros, _dollars(THRESHOLD_DOLLARS_MIN), amount),
        "amount_micros": (
            amount,
            _dollars(settings.PURCHASE_DOLLARS_MIN),
            _dollars(settings.PURCHASE_DOLLARS_MAX),
        ),
        "monthly_cap_micros": (terms.monthly_cap_micros, amount, _dollars(CAP_DOLLARS_MAX)),
    }
    faults = {}
    for field, (micros, least, most) in rules.items():
        if not least <= micros <= most:
            limits = {"least": money.display(least), "most": money.display(most)}
            faults[field] = _("Choose a sum from %(least)s to %(most)s.") % limits
        elif micros % money.MICROS_PER_CENT:
            faults[field] = _("Choose a whole number of cents.")
    if "amount_micros" in faults:
        # The other two are measured by it.
        return {"amount_micros": faults["amount_micros"]}
    return faults


def write(account: Account, terms: Terms) -> AutoTopUp:
    """Keep the customer's terms, and turn the rule on if there is a card.

    Raises InvalidTerms and twins.LiveOnly.
    """
    twins.require_live(account)
    if faults := faults_of(terms):
        raise InvalidTerms(faults)
    with transaction.atomic():
        rule, _ = AutoTopUp.objects.update_or_create(account=account, defaults=vars(terms))
        if rule.payment_method:
            _turn_on(rule)
    return rule


def turn_off(account: Account) -> None:
    """Switch the rule off, as its owner asks; the card stays for another day."""
    AutoTopUp.objects.filter(account=account).update(state=State.OFF, told="", link_word="")


def lock(account: Account) -> AutoTopUp | None:
    """Return the account's rule, if it has one, locked until the transaction ends."""
    return AutoTopUp.objects.select_for_update().filter(account=account).first()


def keeping_card(purchase: Purchase, payment: str, keep: str) -> Callable[[], None]:
    """Return what notes the card of a payment on the rule of its account, and why it was saved.

    Raises stripe.StripeError.
    """
    card = gateway.card_of(payment)

    def effect() -> None:
        if card is not None:
            _keep_card(purchase, card, keep)

    return effect


def succeeded(purchase: Purchase) -> None:
    """Forget earlier trouble: an automatic payment has arrived."""
    # A rule that is paused or off keeps what its owner was told about that.
    going = AutoTopUp.objects.filter(account=purchase.account, state=State.ON)
    going.update(declines=0, next_try_at=timezone.now(), told="")
    total = money.display(purchase.amount_micros)
    subject, happened = words.SUBJECT_ADDED % {"sum": total}, words.ADDED % {"sum": total}
    _mail(purchase.account, subject, [happened], BILLING, words.SEE_BALANCE)


def declined(rule: AutoTopUp, purchase: Purchase, why: str) -> str:
    """Wait longer after each decline, and stop after the third; return what the customer reads."""
    rule.declines += 1
    total = money.display(purchase.amount_micros)
    happened = words.NOT_ADDED % {"sum": total, "why": why[:WHY_LENGTH_MAX]}
    if rule.declines > len(BACK_OFF):
        rule.state = State.OFF
        advice = words.SWITCHED_OFF % {"declines": rule.declines}
    else:
        rule.next_try_at = timezone.now() + BACK_OFF[rule.declines - 1]
        advice = words.NEXT_TRY % {"moment": rule.next_try_at.strftime(words.MOMENT)}
    return _tell(rule, words.SUBJECT_NOT_ADDED % {"sum": total}, [happened, advice])


def wants_owner(rule: AutoTopUp, purchase: Purchase) -> str:
    """Pause until the owner confirms at the bank, and mail the one link that leads there."""
    total = money.display(purchase.amount_micros)
    happened = words.CONFIRM % {"sum": total}
    if rule.state == State.OFF:
        # Switched off while the payment was under way: there is nothing left to confirm.
        return f"{happened} {words.NOT_CHARGED}"
    rule.state = State.PAUSED
    rule.link_word = secrets.token_urlsafe(24)
    link = topup_link.path_of(rule)
    subject = words.SUBJECT_CONFIRM % {"sum": total}
    _note(rule, f"{happened} {words.PAUSED}")
    once = words.LINK_ONCE % {"days": topup_link.LINK_DAYS_MAX}
    _mail(rule.account, subject, [happened, words.PAUSED, once], link, words.CONFIRM_PAYMENT)
    return rule.told


def lost_card(rule: AutoTopUp, _purchase: Purchase) -> str:
    """Switch off: the saved card is no longer there to be charged."""
    _forget_card(rule)
    return _tell(rule, words.SUBJECT_OFF, [words.CARD_LOST, words.SAVE_CARD])


def unanswered(rule: AutoTopUp, purchase: Purchase) -> str:
    """Try again later: Stripe knows nothing of the payment, so nobody was charged."""
    rule.next_try_at = timezone.now() + SILENCE
    _note(rule, words.NO_ANSWER % {"sum": money.display(purchase.amount_micros)})
    return rule.told


def cap_reached(rule: AutoTopUp, until: datetime) -> None:
    """Wait for the next month, and say so."""
    rule.next_try_at = until
    happened = words.CAP_REACHED % {"sum": money.display(rule.monthly_cap_micros)}
    advice = words.NEXT_MONTH % {"day": until.strftime(words.DAY)}
    _tell(rule, words.SUBJECT_CAP, [happened, advice])


def stop_after_refund(account: Account) -> None:
    """Switch off: who was given money back must not be charged for the gap that it leaves."""
    rule = lock(account)
    if rule is not None and rule.state != State.OFF:
        rule.state = State.OFF
        _tell(rule, words.SUBJECT_OFF, [words.REFUNDED, words.OFF_FOR_NOW])


def _keep_card(purchase: Purchase, card: gateway.Card, keep: str) -> None:
    rule, _ = AutoTopUp.objects.select_for_update().get_or_create(
        account=purchase.account, defaults=vars(first_terms(purchase.amount_micros))
    )
    rule.payment_method, rule.card_brand, rule.card_last4 = card.method, card.brand, card.last4
    rule.save(update_fields=["payment_method", "card_brand", "card_last4"])
    # A rule that its owner has switched off while the link was out stays off.
    if keep == START or (keep == RESUME and rule.state == State.PAUSED):
        _turn_on(rule)


def _turn_on(rule: AutoTopUp) -> None:
    rule.state, rule.declines, rule.next_try_at = State.ON, 0, timezone.now()
    rule.told = rule.link_word = ""
    rule.save(update_fields=["state", "declines", "next_try_at", "told", "link_word"])


def _forget_card(rule: AutoTopUp) -> None:
    rule.state = State.OFF
    rule.payment_method = rule.card_brand = rule.card_last4 = ""
    rule.save(update_fields=["state", "payment_method", "card_brand", "card_last4"])


def _tell(rule: AutoTopUp, subject: str, lines: list[str]) -> str:
    """Save the rule with what happened, mail it, and return the sentences."""
    _note(rule, " ".join(lines))
    _mail(rule.account, subject, lines, BILLING, words.OPEN_BILLING)
    return rule.told


def _note(rule: AutoTopUp, told: str) -> None:
    rule.told = told
    rule.save(update_fields=["state", "declines", "next_try_at", "told", "link_word"])


def _mail(account: Account, subject: str, lines: list[str], link: str, label: str) -> None:
    notices.tell_customer(account, "topup", subject=subject, lines=lines, link=link, label=label)


def _dollars(dollars: int) -> int:
    return dollars * money.MICROS_PER_DOLLAR
