"""WaveSpeed's signature on its hooks: what is believed, and the secret that it is made with."""

import time
from collections.abc import Mapping

import pytest
from pytest_django import Settings

from generations import wavespeed
from generations.wavespeed import Unavailable, signature, verify_webhook

# The test vector of the protocol sheet.
SECRET = "whsec_6f2b1c9d8e7a4f305162738495a6b7c8"
HOOK_ID, SENT_AT = "msg_0001", "1767225600"
BODY = (
    b'{"id":"d965d49efbbb49ffa9c7445f0a0cae03","model":"alibaba/happyhorse-1.1/image-to-video",'
    b'"outputs":["https://sim.local/output/a.mp4"],"status":"completed",'
    b'"created_at":"2026-01-01T00:00:00Z","error":"","timings":{"inference":61234}}'
)
SIGNED = "v3,2c4aa78aa8af62b9375919e0f35247cf8d21dfdb722c72e4574b5379c5a989e3"


def test_the_signature_is_the_one_of_the_protocol() -> None:
    assert len(BODY) == 232
    assert signature(BODY, HOOK_ID, SENT_AT, SECRET) == SIGNED


def headers(**changes: str) -> Mapping[str, str]:
    """Return the headers of a delivery that was signed now, with anything replaced."""
    now = str(int(time.time()))
    signed = {
        "webhook-id": HOOK_ID,
        "webhook-timestamp": now,
        "webhook-signature": signature(BODY, HOOK_ID, now, SECRET),
    }
    return {**signed, **{name.replace("_", "-"): value for name, value in changes.items()}}


def test_a_delivery_that_was_signed_now_is_believed() -> None:
    assert verify_webhook(BODY, headers(), SECRET)


def test_any_change_to_a_delivery_is_noticed() -> None:
    assert not verify_webhook(BODY + b" ", headers(), SECRET)
    assert not verify_webhook(BODY, headers(webhook_id="msg_0002"), SECRET)
    assert not verify_webhook(BODY, headers(webhook_signature=SIGNED), SECRET)
    assert not verify_webhook(BODY, headers(), SECRET + "0")
    assert not verify_webhook(BODY, {}, SECRET)


def test_another_version_of_the_signature_is_not_believed() -> None:
    good = headers()["webhook-signature"]
    for other in (good.replace("v3,", "v2,"), good[3:], good.upper(), "", "v3,", "ü"):
        assert not verify_webhook(BODY, headers(webhook_signature=other), SECRET)


@pytest.mark.parametrize("seconds", [-301, 302, 10**6, -(10**6)])
def test_an_old_delivery_is_not_believed_though_its_signature_is_good(seconds: int) -> None:
    at = str(int(time.time()) + seconds)
    signed = signature(BODY, HOOK_ID, at, SECRET)

    assert not verify_webhook(BODY, headers(webhook_timestamp=at, webhook_signature=signed), SECRET)


@pytest.mark.parametrize("at", ["", "now", "-1", "1.5", "²", "9" * 400, "9" * 5000], ids=len)
def test_a_senseless_time_is_not_believed(at: str) -> None:
    signed = signature(BODY, HOOK_ID, at, SECRET)

    assert not verify_webhook(BODY, headers(webhook_timestamp=at, webhook_signature=signed), SECRET)


@pytest.mark.django_db
@pytest.mark.usefixtures("sandbox")
def test_the_secret_is_asked_for_once() -> None:
    secret = wavespeed.webhook_secret()
    assert secret.startswith("whsec_")
    assert wavespeed.webhook_secret() == secret


@pytest.mark.django_db
@pytest.mark.usefixtures("sandbox")
def test_a_secret_that_cannot_be_read_is_unavailable(settings: Settings) -> None:
    settings.WAVESPEED_API_KEY = "wrong"
    with pytest.raises(Unavailable, match="secret cannot be read"):
        wavespeed.webhook_secret()
