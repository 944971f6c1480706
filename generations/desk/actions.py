"""Everything that an operator can do about a thing: with a reason, after a look, written down."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts import acts, stand_in, twins
from accounts.access import user_of
from accounts.models import Account, Membership, User, WebhookDelivery
from billing import credit_orders, freezes, money
from billing.forms import DollarsField
from billing.models import CreditOrder, Dispute, LedgerAccount, StripeEvent
from config import table_names
from generations.desk import deeds
from generations.models import Generation

REFUSALS = (
    deeds.DeedRefused,
    credit_orders.OrderRefused,
    freezes.FreezeRefused,
    stand_in.StandInRefused,
    twins.LiveOnly,
)


class ReasonForm(forms.Form):
    """Why. `key` makes a form that is sent twice one deed."""

    reason = forms.CharField(
        label="Reason",
        help_text="kept with your name; the customer does not see it",
        max_length=acts.REASON_LENGTH_MAX,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class CreditForm(ReasonForm):
    """What to do with how much credit, and why."""

    sort = forms.ChoiceField(
        label="What", choices=CreditOrder.Sort.choices, widget=UnfoldAdminSelectWidget
    )
    amount_micros = DollarsField(
        label="Sum", help_text="in dollars, for example 12.50", widget=UnfoldAdminTextInputWidget
    )
    field_order = ("sort", "amount_micros", "reason")


class StandInForm(ReasonForm):
    """In which of the customer's accounts to look, and why."""

    account = forms.UUIDField(widget=forms.HiddenInput)


@dataclass(frozen=True)
class Asked:
    """What the operator said, and in which request."""

    request: HttpRequest
    said: Mapping[str, Any]

    @property
    def by(self) -> User:
        """Who it is."""
        return user_of(self.request)

    @property
    def reason(self) -> str:
        """Why."""
        return str(self.said["reason"])

    def key_for(self, thing: Model) -> uuid.UUID:
        """Return what names this deed about this thing, whenever the form is sent."""
        return uuid.uuid5(self.said["key"], str(thing.pk))


@dataclass(frozen=True)
class Action:
    """One thing that can be done about things of a model.

    `act` returns what to tell the operator and raises one of REFUSALS. `offered` says whether it
    makes sense for a thing as it is.
    """

    name: str
    model: type[Model]
    label: str
    explains: str
    permission: str
    act: Callable[[Any, Asked], str]
    offered: Callable[[Any], bool] = lambda _thing: True
    form: type[ReasonForm] = ReasonForm
    # Where it leads when done; None for the page that it was asked from.
    leads_to: str | None = None

    @property
    def address(self) -> str:
        """The address of its page; it wants the things as `pk=…`."""
        return reverse("admin:act", args=[table_names.name(self.model), self.name])

    def address_for(self, thing: Model) -> str:
        """Return the address of its page for this thing."""
        return f"{self.address}?pk={thing.pk}"

    def allowed(self, request: HttpRequest) -> bool:
        """Tell whether the operator may do it."""
        return user_of(request).has_perm(self.permission)


def _credit(account: Account, asked: Asked) -> str:
    said = asked.said
    order = credit_orders.order(
        account,
        CreditOrder.Sort(said["sort"]),
        said["amount_micros"],
        asked.reason,
        asked.by,
        asked.key_for(account),
    )
    what = f"{order.get_sort_display().capitalize()}: {money.display(order.amount_micros)}"
    if order.state == CreditOrder.State.OPEN:
        limit = money.display(credit_orders.limit_micros())
        return f"{what} waits for a second person: you may order {limit} a day by yourself."
    return f"{what}. Done."


def _freeze(account: Account, asked: Asked) -> str:
    freezes.freeze(account, asked.reason, asked.by)
    return f"{account} can spend nothing now."


def _thaw(account: Account, asked: Asked) -> str:
    freezes.thaw(account, asked.reason, asked.by)
    return f"{account} is stopped by no operator now."


def _confirm(order: CreditOrder, asked: Asked) -> str:
    credit_orders.confirm(order, asked.reason, asked.by)
    return f"{money.display(order.amount_micros)} for {order.account}: done."


def _refuse(order: CreditOrder, asked: Asked) -> str:
    credit_orders.refuse(order, asked.reason, asked.by)
    return f"The order about {order.account} is refused."


def _fail(job: Generation, asked: Asked) -> str:
    deeds.fail(job, asked.reason, asked.by)
    return f"{job.pk.hex} is failed, and {money.display(job.price_micros)} is free again."


def _look(job: Generation, asked: Asked) -> str:
    deeds.look_again(job, asked.reason, asked.by)
    return f"{job.pk.hex} is looked at now."


def _settle(thing: Model, asked: Asked) -> str:
    deeds.settle(thing, asked.reason, asked.by)
    return f"{thing} is off the list."


def _replay(event: StripeEvent, asked: Asked) -> str:
    deeds.replay(event, asked.reason, asked.by)
    return f"{event.pk} ({event.type}) is done."


def _send(message: WebhookDelivery, asked: Asked) -> str:
    deeds.send_again(message, asked.reason, asked.by)
    return f"{message.event} to {message.url} is sent again."


def _stand_in(user: User, asked: Asked) -> str:
    account = Membership.objects.filter(user=user).order_by("id").first()
    chosen = asked.request.GET.get("account") or (account and str(account.account_id))
    found = Account.objects.filter(pk=chosen, users=user).first() if chosen else None
    if found is None:
        raise stand_in.StandInRefused(f"{user} has no such account.")
    stand_in.begin(asked.request, user, found, asked.reason)
    return f"You look as {user} now."


def _is_running(job: Generation) -> bool:
    return not job.is_finished


def _is_live(account: Account) -> bool:
    return not account.is_test


def _is_frozen(account: Account) -> bool:
    return hasattr(account, "freeze")


def _waits(order: CreditOrder) -> bool:
    return order.state == CreditOrder.State.OPEN


ACTIONS: tuple[Action, ...] = (
    Action(
        "credit",
        Account,
        "Give, take or forgive credit",
        "The ledger books it at once, or when a second person has confirmed a larger sum.",
        "billing.add_creditorder",
        _credit,
        _is_live,
        CreditForm,
    ),
    Action(
        "freeze",
        Account,
        "Freeze",
        "Nothing can be spent until somebody thaws it. Films in the making go on.",
        "billing.add_freeze",
        _freeze,
        lambda account: not _is_frozen(account),
    ),
    Action(
        "thaw",
        Account,
        "Thaw",
        "Credit can be spent again, unless a dispute is open.",
        "billing.delete_freeze",
        _thaw,
        _is_frozen,
    ),
    Action(
        "stand-in",
        User,
        "Look as this customer",
        "You see the site as they do for half an hour, and can change nothing. Cards and secrets "
        "stay closed.",
        stand_in.PERMISSION,
        _stand_in,
        lambda user: not (user.is_staff or user.is_superuser) and user.is_active,
        leads_to="create",
    ),
    Action(
        "confirm",
        CreditOrder,
        "Confirm",
        "It is carried out. Nobody confirms an order of their own.",
        "billing.confirm_creditorder",
        _confirm,
        _waits,
    ),
    Action(
        "refuse",
        CreditOrder,
        "Refuse",
        "It ends, and nothing is booked.",
        "billing.add_creditorder",
        _refuse,
        _waits,
    ),
    Action(
        "fail",
        Generation,
        "Fail and release",
        "The job ends without a film, and its whole price is free again. The upstream may have "
        "been paid: nothing is asked back from there.",
        "generations.change_generation",
        _fail,
        _is_running,
    ),
    Action(
        "look",
        Generation,
        "Look now, fetch again",
        "The driver polls the job, looks for it in the upstream's history or fetches its film.",
        "generations.change_generation",
        _look,
        _is_running,
    ),
    Action(
        "settle",
        Generation,
        "Settled",
        "It leaves the list, and nothing else is changed. The reason says what was done about it.",
        "generations.change_generation",
        _settle,
        lambda job: job.is_finished,
    ),
    Action(
        "settle",
        Dispute,
        "Settled",
        "It leaves the list, and nothing else is changed. The reason says what was done about it.",
        "billing.change_dispute",
        _settle,
    ),
    Action(
        "settle",
        LedgerAccount,
        "Settled",
        "The debt stays, and the next purchase pays it; the reason says what was done about it.",
        "billing.change_ledgeraccount",
        _settle,
    ),
    Action(
        "replay",
        StripeEvent,
        "Work off again",
        "Stripe is asked how things stand, and what is missing is booked; nothing is booked twice.",
        "billing.change_stripeevent",
        _replay,
    ),
    Action(
        "send",
        WebhookDelivery,
        "Send again",
        "The same message goes out under its own id, with all its tries.",
        "accounts.change_webhookdelivery",
        _send,
    ),
)


def find(model: str, name: str) -> Action | None:
    """Return the action of this name about things of this model, None when there is none."""
    for one in ACTIONS:
        if (table_names.name(one.model), one.name) == (model, name):
            return one
    return None


def offered(request: HttpRequest, thing: Model) -> Iterable[Action]:
    """Yield what this operator can do about this thing as it is."""
    for action in ACTIONS:
        if isinstance(thing, action.model) and action.allowed(request) and action.offered(thing):
            yield action
