"""What operators do to jobs, events and messages: each with a reason, and written down."""

from uuid import UUID

import stripe
from django.db import models, transaction

from accounts import acts, deliveries
from accounts.models import User, WebhookDelivery
from billing import checkout, inbox
from billing.models import StripeEvent
from generations import failures, lifecycle
from generations.models import Generation

SETTLED = "settled"


class DeedRefused(ValueError):
    """Nothing was done; the sentence says why."""


def fail(job: Generation, reason: str, by: User) -> None:
    """End a job without a film and give its whole price back. Raises DeedRefused."""
    with transaction.atomic():
        before = {"status": Generation.objects.get(pk=job.pk).status}
        if not lifecycle.fail(job, failures.OURS, f"ended by {by}: {reason}"):
            raise DeedRefused("This job has ended already.")
        after = {"status": Generation.Status.FAILED.value}
        acts.note(
            by, "failed a job", job, reason, account=job.account_id, before=before, after=after
        )


def look_again(job: Generation, reason: str, by: User) -> None:
    """Have the driver look at a job now: poll it, or fetch its film. Raises DeedRefused."""
    with transaction.atomic():
        if not lifecycle.make_due(str(job.pk)):
            raise DeedRefused("This job has ended already: there is nothing to fetch.")
        acts.note(by, "looked at a job again", job, reason, account=job.account_id)


def settle(thing: models.Model, reason: str, by: User) -> None:
    """Take a thing off its work list: somebody has seen to it, as the reason says."""
    acts.note(by, SETTLED, thing, reason, account=_account_of(thing))


def replay(event: StripeEvent, reason: str, by: User) -> None:
    """Let an event of Stripe's take effect again; nothing is booked twice. Raises DeedRefused."""
    before = {"done": event.done_at is not None, "error": event.error}
    try:
        inbox.replay(event)
    except (stripe.StripeError, checkout.PaymentMismatch) as problem:
        failed = {"failed": str(problem)[:300]}
        acts.note(by, "replayed an event", event, reason, before=before, after=failed)
        raise DeedRefused(f"{event.pk} failed: {problem}") from problem
    acts.note(by, "replayed an event", event, reason, before=before, after={"done": True})


def send_again(message: WebhookDelivery, reason: str, by: User) -> None:
    """Send a webhook again under its own id."""
    with transaction.atomic():
        before = {"status": message.status, "attempts": message.attempts}
        deliveries.repeat(message)
        acts.note(
            by, "sent a webhook again", message, reason, account=message.account_id, before=before
        )


def _account_of(thing: models.Model) -> UUID | None:
    account: UUID | None = getattr(thing, "account_id", None)
    return account
