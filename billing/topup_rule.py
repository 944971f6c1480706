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

from accounts import twins
from accounts.models import Account
from billing import gateway, money, notices, topup_link
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
            limits = f"{money.display(least)} to {money.display(most)}"
            faults[field] = f"Choose a sum from {limits}."
        elif micros % money.MICROS_PER_CENT:
            faults[field] = "Choose a whole number of cents."
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
    happened = f"Your credit fell below your threshold, so we added {total} from your saved card."
    _mail(purchase.account, f"We added {total} of credit", [happened], BILLING, "See your balance")


def declined(rule: AutoTopUp, purchase: Purchase, why: str) -> str:
    """Wait longer after each decline, and stop after the third; return what the customer reads."""
    rule.declines += 1
    total = money.display(purchase.amount_micros)
    happened = f"We could not add {total}: {why[:WHY_LENGTH_MAX]} You were not charged."
    if rule.declines > len(BACK_OFF):
        rule.state = State.OFF
        advice = (
            f"After {rule.declines} attempts automatic top-ups are off. Buy credit with another "
            "card, save it for top-ups, and turn them on again."
        )
    else:
        rule.next_try_at = timezone.now() + BACK_OFF[rule.declines - 1]
        advice = (
            f"We try again on {_day(rule.next_try_at)}. Until then you can buy credit yourself, "
            "and save another card with it."
        )
    return _tell(rule, f"We could not top up {total}", [happened, advice])


def wants_owner(rule: AutoTopUp, purchase: Purchase) -> str:
    """Pause until the owner confirms at the bank, and mail the one link that leads there."""
    total = money.display(purchase.amount_micros)
    happened = f"Your bank wants you to confirm the top-up of {total} yourself."
    if rule.state == State.OFF:
        # Switched off while the payment was under way: there is nothing left to confirm.
        return f"{happened} You were not charged."
    rule.state = State.PAUSED
    rule.link_word = secrets.token_urlsafe(24)
    advice = "You were not charged. Top-ups are paused until you confirm."
    link = topup_link.path_of(rule)
    subject = f"Please confirm your top-up of {total}"
    _note(rule, f"{happened} {advice}")
    once = f"The link works once, within {topup_link.LINK_DAYS_MAX} days."
    _mail(rule.account, subject, [happened, advice, once], link, "Confirm the payment")
    return rule.told


def lost_card(rule: AutoTopUp, _purchase: Purchase) -> str:
    """Switch off: the saved card is no longer there to be charged."""
    _forget_card(rule)
    happened = "Your saved card is no longer available, so automatic top-ups are off."
    advice = "You were not charged. Save a card with your next purchase to turn them on again."
    return _tell(rule, "Automatic top-ups are off", [happened, advice])


def unanswered(rule: AutoTopUp, purchase: Purchase) -> str:
    """Try again later: Stripe knows nothing of the payment, so nobody was charged."""
    rule.next_try_at = timezone.now() + SILENCE
    _note(
        rule,
        "The payment service did not answer when we wanted to add "
        f"{money.display(purchase.amount_micros)}. You were not charged; we try again soon.",
    )
    return rule.told


def cap_reached(rule: AutoTopUp, until: datetime) -> None:
    """Wait for the next month, and say so."""
    rule.next_try_at = until
    cap = money.display(rule.monthly_cap_micros)
    happened = f"Another top-up would pass your limit of {cap} a month, so we made none."
    advice = (
        f"Top-ups go on by themselves on {until:%-d %B}. You can raise the limit at any time, "
        "or buy credit yourself."
    )
    _tell(rule, "Your monthly limit for top-ups is reached", [happened, advice])


def stop_after_refund(account: Account) -> None:
    """Switch off: who was given money back must not be charged for the gap that it leaves."""
    rule = lock(account)
    if rule is not None and rule.state != State.OFF:
        rule.state = State.OFF
        happened = "A payment was refunded to you, so automatic top-ups are off."
        advice = "We charge nothing by ourselves until you turn them on again."
        _tell(rule, "Automatic top-ups are off", [happened, advice])


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
    _mail(rule.account, subject, lines, BILLING, "Open your billing page")
    return rule.told


def _note(rule: AutoTopUp, told: str) -> None:
    rule.told = told
    rule.save(update_fields=["state", "declines", "next_try_at", "told", "link_word"])


def _mail(account: Account, subject: str, lines: list[str], link: str, label: str) -> None:
    notices.tell_customer(account, "topup", subject=subject, lines=lines, link=link, label=label)


def _day(moment: datetime) -> str:
    return f"{moment:%-d %B, %H:%M} UTC"


def _dollars(dollars: int) -> int:
    return dollars * money.MICROS_PER_DOLLAR
