"""The mailed link that leads a customer to the bank: signed, for some days, for one use."""

from datetime import timedelta

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import AutoTopUp

SALT = "billing.topup"
LINK_DAYS_MAX = 3


class LinkSpent(Exception):
    """The link is no longer good: used, replaced, too old, or never ours."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "This link has been used or has expired. Sign in and open your billing page: "
                "it says how things stand."
            )
        )


def path_of(rule: AutoTopUp) -> str:
    """Return the path of the page that the rule's link word opens."""
    token = signing.dumps([rule.pk, rule.link_word], salt=SALT)
    return reverse("top_up_confirm", args=[token])


def read(token: str) -> AutoTopUp:
    """Return the rule that a link is about, without using the link up. Raises LinkSpent."""
    try:
        rule, word = signing.loads(token, salt=SALT, max_age=timedelta(days=LINK_DAYS_MAX))
    except signing.BadSignature as bad:
        raise LinkSpent from bad
    waiting = AutoTopUp.objects.select_related("account").filter(
        pk=rule, link_word=word, state=AutoTopUp.State.PAUSED
    )
    found = waiting.first() if word else None
    if found is None:
        raise LinkSpent
    return found


def spend(rule: AutoTopUp) -> None:
    """Use a link up, once. Raises LinkSpent for everyone but the first."""
    with transaction.atomic():
        unspent = AutoTopUp.objects.filter(pk=rule.pk, link_word=rule.link_word)
        if unspent.update(link_word="") != 1:
            raise LinkSpent


def give_back(rule: AutoTopUp) -> None:
    """Make a spent link good again, because it led nowhere."""
    waiting = AutoTopUp.objects.filter(pk=rule.pk, link_word="", state=AutoTopUp.State.PAUSED)
    waiting.update(link_word=rule.link_word)
