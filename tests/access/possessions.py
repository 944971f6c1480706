"""What a customer owns: one of everything that has an address, and what must not be seen of it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone

from accounts import team, webhook_secrets, webhooks
from accounts.invitation import Invitation
from accounts.models import (
    AccountWebhookSecret,
    ApiKey,
    Event,
    Membership,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from billing import alerts
from billing.models import Alert, AutoTopUp, Hold, LedgerAccount, Purchase
from generations import catalog, images, lifecycle
from generations.models import Generation, Upload
from tests.cast import Customer
from tests.generations import stage

PROMPT = "a grey horse that nobody else has seen"
ADDRESS = "https://hooks.example/a-path-that-is-a-secret"
FILM = b"a film that is nobody else's"
# Every table with rows that belong to an account.
OWNED: tuple[Any, ...] = (
    *(Generation, Upload, WebhookEndpoint, WebhookDelivery, Alert, Purchase, AutoTopUp),
    *(LedgerAccount, AccountWebhookSecret, Invitation, ApiKey),
)


@dataclass
class Things:
    """One customer's things."""

    owner: Customer
    job: Generation
    upload: Upload
    key: ApiKey
    endpoint: WebhookEndpoint
    delivery: WebhookDelivery
    alert: Alert
    purchase: Purchase
    rule: AutoTopUp
    mate: Membership
    invitation: Invitation
    passkey: Authenticator

    def parameters(self, route: str) -> dict[str, Any]:
        """Return what the address of this route needs to lead to one of these things."""
        if route == "cancel" or (route.startswith("film") and route != "film_file"):
            return {"pk": self.job.pk}
        if route in {"api_result", "api_result_alias", "api_cancel"}:
            return {"prediction_id": self.job.pk.hex}
        rows = {
            "member": self.mate,
            "invitation": self.invitation,
            "key": self.key,
            "webhook": self.endpoint,
        }
        for start, row in rows.items():
            if route.startswith(start):
                return {"pk": row.pk}
        single: dict[str, dict[str, Any]] = {
            "film_file": {"pk": self.job.pk, "part": "video.mp4"},
            "delivery_replay": {"pk": self.delivery.pk},
            "alert_remove": {"pk": self.alert.pk},
            "receipt": {"purchase": self.purchase.pk},
            "api_submit": {"model": catalog.IMAGE_TO_VIDEO.id},
        }
        return single[route]

    @cached_property
    def marks(self) -> set[str]:
        """What no answer to a stranger may contain."""
        account = self.owner.account
        return {
            *(self.owner.user.email, self.owner.secret, str(account.pk), account.pk.hex),
            *(str(self.job.pk), self.job.pk.hex, self.upload.pk.hex, PROMPT, FILM.decode()),
            *(self.key.prefix, ADDRESS, self.delivery.event_id.hex, str(self.delivery.event_id)),
            *("$7.77", str(self.purchase.pk), "cs_of_hers", "pi_of_hers", self.rule.link_word),
            *(self.mate.user.email, self.invitation.email, self.invitation.digest),
            webhook_secrets.reveal(self.endpoint),
            webhook_secrets.reveal(webhook_secrets.of_account(account)),
        }

    def state(self) -> list[Any]:
        """Return every row of the owner's as the database has it, to be compared later."""
        account = self.owner.account
        rows = [
            list(table.objects.filter(account=account).order_by("pk").values()) for table in OWNED
        ]
        for key in rows[-1]:
            del key["last_used_at"]
        holds = Q(ledger_account__account=account)
        return [*rows, list(Hold.objects.filter(holds).order_by("pk").values())]


def things_of(owner: Customer) -> Things:
    """Give the customer one of everything."""
    account, user = owner.account, owner.user
    upload = stage.upload(owner)
    model = catalog.IMAGE_TO_VIDEO
    inputs = model.clean(stage.body(upload, prompt=PROMPT))
    job = lifecycle.request(account, model, inputs, user=user, upload=upload)
    names = {
        name: default_storage.save(f"films/{job.pk.hex}.{kind}", ContentFile(FILM))
        for name, kind in {
            "video": "mp4",
            "poster": "jpg",
            "strip": "jpg",
            "preview": "mp4",
            "poster_small": "webp",
        }.items()
    }
    Generation.objects.filter(pk=job.pk).update(**names)
    endpoint = webhooks.add(account, ADDRESS, list(Event))
    webhooks.announce(account, Event.COMPLETED, job.pk.hex, {"id": job.pk.hex})
    webhook_secrets.of_account(account)
    purchase = Purchase.objects.create(
        account=account,
        amount_micros=25_000_000,
        origin=Purchase.Origin.AUTO,
        status=Purchase.Status.PAID,
        paid_at=timezone.now(),
        session="cs_of_hers",
        payment_intent="pi_of_hers",
    )
    rule = AutoTopUp.objects.create(
        account=account,
        state=AutoTopUp.State.PAUSED,
        threshold_micros=5_000_000,
        amount_micros=25_000_000,
        monthly_cap_micros=100_000_000,
        payment_method="pm_of_hers",
        link_word="the-word-of-her-link",
    )
    return Things(
        owner=owner,
        job=Generation.objects.get(pk=job.pk),
        upload=upload,
        key=ApiKey.objects.get(account=account),
        endpoint=endpoint,
        delivery=WebhookDelivery.objects.get(account=account),
        alert=alerts.add(account, alerts.Kind.LOW_BALANCE, 7_770_000),
        purchase=purchase,
        rule=rule,
        mate=Membership.objects.create(
            account=account, user=User.objects.create_user("her-mate@example.org")
        ),
        invitation=team.invite(account, "whom-she-asked@example.org", "member", by=user),
        passkey=Authenticator.objects.create(
            user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "her phone"}
        ),
    )


def assert_nothing_of(things: Things, sent: str, content: bytes) -> None:
    """Check that an answer contains nothing of these things but what the asker sent."""
    text = content.decode("utf-8", "replace")
    seen = {mark for mark in things.marks if mark in text and mark not in sent}
    assert not seen, seen


def picture_address(things: Things) -> str:
    """Return the address of the owner's picture, which programs put into a job."""
    return images.address(things.upload)
