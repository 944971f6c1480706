"""The work lists: what does not settle itself, or not soon enough, and what settles it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import CharField, Exists, Model, OuterRef, Q, QuerySet, UUIDField
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.acts import OperatorAct
from accounts.models import Mode, WebhookDelivery
from billing.clawbacks import DISPUTE_ENDED
from billing.models import CreditOrder, Dispute, LedgerAccount, StripeEvent
from config import table_names
from generations.admin import PAID_PERHAPS
from generations.desk import deeds
from generations.models import Generation
from generations.reports.tables import Column, Sort

ROWS_MAX = 100
# What ended longer ago is settled, or will not be.
LOOKED_BACK = timedelta(days=30)
MONEY = Sort.MONEY
JOB_COLUMNS = (
    Column("asked", "Asked for (UTC)", Sort.MOMENT),
    Column("account", "Account", Sort.TEXT),
    Column("job", "Job", Sort.TEXT),
    Column("price", "Price", MONEY),
)
Rows = QuerySet[Any]


@dataclass(frozen=True)
class WorkList:
    """One list: which things are on it, what is shown of each, and who may see it."""

    name: str
    title: str
    says: str
    permission: str
    rows: Callable[[], Rows]
    columns: tuple[Column, ...]
    cells: Callable[[Any], Sequence[Any]]

    def count(self) -> int:
        """Return how many there are, ROWS_MAX and one for more."""
        return self.rows()[: ROWS_MAX + 1].count()


def _jobs() -> QuerySet[Generation]:
    return Generation.objects.filter(test=False).select_related("account")


def _settled(of: type[Model]) -> Exists:
    """Tell of each row of a table whether an operator has taken it off its list."""
    acts = OperatorAct.objects.filter(what=deeds.SETTLED, about_type=table_names.label(of))
    if of is Generation:
        acts = acts.alias(thing=Cast("about_id", UUIDField()))
        return Exists(acts.filter(thing=OuterRef("pk")))
    return Exists(acts.filter(about_id=OuterRef("key")))


def _in_doubt() -> Rows:
    return _jobs().filter(status=Generation.Status.IN_DOUBT).order_by("status_since", "id")


def _paid_perhaps() -> Rows:
    given_up = _jobs().filter(
        ~_settled(Generation),
        status=Generation.Status.FAILED,
        operator_note__startswith=PAID_PERHAPS,
        finished_at__gt=timezone.now() - LOOKED_BACK,
    )
    return given_up.order_by("-finished_at", "id")


def _held_long() -> Rows:
    """Jobs that hold credit for longer than any patience allows in its own status."""
    now, status = timezone.now(), Generation.Status
    patience = {
        status.CREATED: settings.PATIENCE_WAITING_SECONDS,
        status.SUBMITTING: settings.LEASE_SECONDS + settings.UPSTREAM_READ_SECONDS,
        status.IN_DOUBT: settings.PATIENCE_DOUBT_SECONDS,
        status.PROCESSING: settings.PATIENCE_RUNNING_SECONDS,
    }
    late = Q()
    for name, seconds in patience.items():
        # Half of it is longer than expected: there is still time to do something.
        late |= Q(status=name, status_since__lt=now - timedelta(seconds=seconds / 2))
    return _jobs().filter(late).order_by("created_at", "id")


def _shorter() -> Rows:
    short = _jobs().filter(
        ~_settled(Generation),
        shortfall_micros__gt=0,
        finished_at__gt=timezone.now() - LOOKED_BACK,
    )
    return short.order_by("-finished_at", "id")


def _disputes() -> Rows:
    rows = Dispute.objects.exclude(status__in=DISPUTE_ENDED).alias(key=_text("id"))
    open_ones = rows.filter(~_settled(Dispute))
    return open_ones.select_related("purchase__account").order_by("created_at", "id")


def _receivables() -> Rows:
    rows = LedgerAccount.objects.filter(receivable_micros__gt=0, account__mode=Mode.LIVE)
    owing = rows.alias(key=_text("id")).filter(~_settled(LedgerAccount))
    return owing.select_related("account").order_by("-receivable_micros", "id")


def _events() -> Rows:
    # What is just being worked off is no work for anybody.
    late = StripeEvent.objects.filter(
        done_at=None, received_at__lt=timezone.now() - timedelta(minutes=1)
    )
    return late.order_by("received_at", "id")


def _webhooks() -> Rows:
    failed = WebhookDelivery.objects.filter(
        status=WebhookDelivery.Status.FAILED,
        account__mode=Mode.LIVE,
        created_at__gt=timezone.now() - LOOKED_BACK,
    )
    return failed.select_related("account").order_by("-id")


def _orders() -> Rows:
    waiting = CreditOrder.objects.filter(state=CreditOrder.State.OPEN)
    return waiting.select_related("account", "by").order_by("created_at", "id")


def _text(name: str) -> Any:
    return Cast(name, CharField())


def _job(job: Generation) -> tuple[Any, ...]:
    return (job.created_at, job.account, job, job.price_micros)


def _job_since(job: Generation) -> tuple[Any, ...]:
    return (*_job(job), job.get_status_display(), job.status_since, job.operator_note)


def _job_short(job: Generation) -> tuple[Any, ...]:
    return (*_job(job), job.inputs["duration"], job.whole_seconds, job.shortfall_micros)


_SINCE = (
    *JOB_COLUMNS,
    Column("status", "Status", Sort.TEXT),
    Column("since", "Since (UTC)", Sort.MOMENT),
    Column("note", "Note", Sort.TEXT),
)
_SHORT = (
    *JOB_COLUMNS,
    Column("seconds_asked", "Seconds asked"),
    Column("seconds_made", "Made"),
    Column("came_back", "Came back", MONEY),
)

LISTS: tuple[WorkList, ...] = (
    WorkList(
        "doubt",
        "In doubt",
        "Nobody knows whether the upstream has these. The driver looks in its history; what "
        "nothing settles fails by itself, with full release.",
        "generations.view_generation",
        _in_doubt,
        _SINCE,
        _job_since,
    ),
    WorkList(
        "held",
        "Held long",
        "These hold their customer's credit for more than half of the time that we wait at all.",
        "generations.view_generation",
        _held_long,
        _SINCE,
        _job_since,
    ),
    WorkList(
        "paid",
        "Given up, perhaps paid",
        "Their customers were not charged. Look at the upstream whether it charged us, and settle.",
        "generations.view_generation",
        _paid_perhaps,
        _SINCE,
        _job_since,
    ),
    WorkList(
        "shorter",
        "Shorter than asked",
        "The missing seconds came back to their customers by themselves. Many of them in a row "
        "are the upstream's fault.",
        "generations.view_generation",
        _shorter,
        _SHORT,
        _job_short,
    ),
    WorkList(
        "disputes",
        "Disputes",
        "Answer them in Stripe's dashboard. The account is frozen until they end.",
        "billing.view_dispute",
        _disputes,
        (
            Column("since", "Since (UTC)", Sort.MOMENT),
            Column("account", "Account", Sort.TEXT),
            Column("dispute", "Dispute", Sort.TEXT),
            Column("sum", "Sum", MONEY),
            Column("status", "Status", Sort.TEXT),
            Column("reason", "Reason", Sort.TEXT),
        ),
        lambda one: (
            one.created_at,
            one.purchase.account,
            one,
            one.amount_micros,
            one.status.replace("_", " "),
            one.reason.replace("_", " "),
        ),
    ),
    WorkList(
        "receivables",
        "Receivables",
        "What refunds and disputes could not take back. The next purchase pays it first.",
        "billing.view_ledgeraccount",
        _receivables,
        (
            Column("account", "Account", Sort.TEXT),
            Column("owed", "Owed to us", MONEY),
            Column("balance", "Balance", MONEY),
        ),
        lambda one: (one.account, one.receivable_micros, one.balance_micros),
    ),
    WorkList(
        "orders",
        "Credit to confirm",
        "Ordered by one operator, and large enough to need another one.",
        "billing.view_creditorder",
        _orders,
        (
            Column("ordered", "Ordered (UTC)", Sort.MOMENT),
            Column("account", "Account", Sort.TEXT),
            Column("what", "What", Sort.TEXT),
            Column("sum", "Sum", MONEY),
            Column("by", "By", Sort.TEXT),
            Column("reason", "Reason", Sort.TEXT),
        ),
        lambda one: (
            one.created_at,
            one.account,
            one.get_sort_display(),
            one.amount_micros,
            str(one.by),
            one.reason,
        ),
    ),
    WorkList(
        "events",
        "Stripe's events",
        "They came and took no effect. Working them off again books what is missing, and nothing "
        "twice.",
        "billing.view_stripeevent",
        _events,
        (
            Column("received", "Received (UTC)", Sort.MOMENT),
            Column("type", "Type", Sort.TEXT),
            Column("event", "Event", Sort.TEXT),
            Column("tries", "Tries"),
            Column("error", "Error", Sort.TEXT),
        ),
        lambda one: (one.received_at, one.type, one, one.tries, one.error),
    ),
    WorkList(
        "webhooks",
        "Failed webhooks",
        "Messages that customers' servers did not take in all their tries.",
        "accounts.view_webhookdelivery",
        _webhooks,
        (
            Column("written", "Written (UTC)", Sort.MOMENT),
            Column("account", "Account", Sort.TEXT),
            Column("message", "Event", Sort.TEXT),
            Column("to", "To", Sort.TEXT),
            Column("answer", "Last answer", Sort.TEXT),
        ),
        lambda one: (
            one.created_at,
            one.account,
            one,
            one.url[:80],
            f"{one.last_status_code or ''} {one.last_error}".strip(),
        ),
    ),
)
BY_NAME = {one.name: one for one in LISTS}
