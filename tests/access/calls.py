"""What programs can call: one line for each address of the API that takes a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test import Client
from django.urls import reverse

from accounts.models import Scope
from tests.access.possessions import Things, picture_address
from tests.generations import stage

JSON = "application/json"


@dataclass(frozen=True)
class Call:
    """A call and the scope that its key needs; None for any key. `<…>` in it stands for a thing."""

    route: str
    scope: Scope | None
    method: str = "post"
    body: Mapping[str, Any] = field(default_factory=dict)
    # Whether its address leads to a thing of somebody's.
    is_about: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    def address(self, things: Things) -> str:
        """Return the address, to one of these things where it leads to a thing."""
        lead = self.is_about or self.route == "api_submit"
        return reverse(self.route, kwargs=things.parameters(self.route) if lead else None)

    def said(self, things: Things) -> dict[str, Any]:
        """Return the body; names of things in it are those of these things."""
        names: dict[str, Any] = {
            "<job>": things.job.pk.hex,
            "<jobs>": [things.job.pk.hex, str(things.job.pk)],
            "<picture>": picture_address(things),
        }
        return {name: names.get(str(value), value) for name, value in self.body.items()}

    def make(self, things: Things, headers: dict[str, str], browser: Client | None = None) -> Any:
        """Make the call about these things, and return the answer."""
        client, address = browser or Client(), self.address(things)
        if self.method == "get":
            return client.get(address, headers=headers)
        return client.post(address, self.said(things), content_type=JSON, headers=headers)


IMAGE_TO_VIDEO = "alibaba/happyhorse-1.1/image-to-video"
CALLS = [
    Call("api_key", None, "get"),
    Call("api_balance", Scope.BILLING, "get"),
    Call("api_webhook_secret", Scope.SUBMIT, "get"),
    Call("api_uploads", Scope.SUBMIT, body={"filename": "a.jpg", "size": 9}),
    Call("api_upload_binary", Scope.SUBMIT),
    Call("api_models", Scope.READ, "get"),
    Call("api_price", Scope.READ, body={"model_id": IMAGE_TO_VIDEO}),
    Call("api_pricing", Scope.READ, body={"model_id": IMAGE_TO_VIDEO}),
    Call("api_billings", Scope.BILLING, body={"prediction_uuids": "<jobs>"}),
    Call("api_usage", Scope.BILLING),
    Call("api_history", Scope.READ, body={"include_inputs": True}),
    Call("api_delete", Scope.SUBMIT, body={"ids": "<jobs>"}),
    Call("api_cancel", Scope.SUBMIT, is_about=True),
    Call("api_result", Scope.READ, "get", is_about=True),
    Call("api_result_alias", Scope.READ, "get", is_about=True),
    Call("api_submit", Scope.SUBMIT, body={"image": "<picture>", **stage.SHORT}),
]
