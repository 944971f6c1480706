"""Nonsense in the environment is refused at start, with a sentence that says what to do."""

from pathlib import Path

import pytest

from tests.config.interpreter import local_environment, public_environment, run

LIVE = {
    "WAVESPEED_API_KEY": "wavespeed-live-key",
    "STRIPE_SECRET_KEY": "sk_live_example",
    "STRIPE_WEBHOOK_SECRET": "whsec_example",
}


def refusal(environment: dict[str, str]) -> str:
    """What the process says when it does not start: the last line of its traceback."""
    done = run("import config.settings", environment)
    assert done.returncode == 1, "the settings were accepted"
    name, _, sentence = done.stderr.strip().rpartition("ImproperlyConfigured: ")
    assert name, done.stderr
    return sentence


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        (
            {"WAVESPEED_API_KEY": LIVE["WAVESPEED_API_KEY"]},
            "One outside service is real and the other the sandbox",
        ),
        (
            {"STRIPE_SECRET_KEY": LIVE["STRIPE_SECRET_KEY"], "STRIPE_WEBHOOK_SECRET": "whsec_x"},
            "Set both WAVESPEED_API_KEY and STRIPE_SECRET_KEY, or neither.",
        ),
        (
            {"STRIPE_API_BASE": "https://api.stripe.com"},
            "One outside service is real and the other the sandbox",
        ),
        (
            LIVE | {"WAVESPEED_BASE_URL": "http://127.0.0.1:8001"},
            "One outside service is real and the other the sandbox",
        ),
        (LIVE | {"STRIPE_WEBHOOK_SECRET": ""}, "Set STRIPE_WEBHOOK_SECRET: Stripe's dashboard"),
        ({"WEBHOOK_FAILING_DAYS": "0"}, "WEBHOOK_FAILING_DAYS is at least 1"),
        ({"WEBHOOK_KEPT_DAYS": "3"}, "WEBHOOK_KEPT_DAYS at least 4"),
        ({"TEXT_TO_VIDEO_1080P_PRICE": "free"}, "TEXT_TO_VIDEO_1080P_PRICE is the price of one"),
        ({"TEXT_TO_VIDEO_1080P_PRICE": "0.000000"}, "Without one, 1080p is not offered."),
        ({"TEXT_TO_VIDEO_1080P_PRICE": "0.1890001"}, "in dollars such as 0.189, not"),
        ({"TEXT_TO_VIDEO_1080P_PRICE": "-1"}, "in dollars such as 0.189, not '-1'"),
        ({"PUBLIC_URL": "gallop.example"}, "PUBLIC_URL must be a full address"),
        ({"PUBLIC_URL": "https://"}, "PUBLIC_URL must be a full address"),
        ({"PUBLIC_URL": "ftp://127.0.0.1"}, "PUBLIC_URL must be a full address"),
        ({"DATABASE_URL": "sqlite:///gallop.db"}, "DATABASE_URL must name a PostgreSQL"),
        ({"DATABASE_URL": "mysql://root@127.0.0.1/gallop"}, "DATABASE_URL must name a PostgreSQL"),
    ],
)
def test_a_start_on_this_machine_is_refused(
    tmp_path: Path, changes: dict[str, str], hint: str
) -> None:
    assert hint in refusal(local_environment(tmp_path) | changes)


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"PUBLIC_URL": "http://gallop.example"}, "PUBLIC_URL must start with https://"),
        ({"DEBUG": "1"}, "DEBUG shows secrets to visitors: unset it"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY must have at least 50 random characters."),
        ({"SECRET_KEY": "x" * 49}, "SECRET_KEY must have at least 50 random characters."),
        ({"SECRET_KEY": ""}, "Set SECRET_KEY, the same on every machine"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name the hosts"),
        ({"ALLOWED_HOSTS": "gallop.example,*"}, "ALLOWED_HOSTS must name the hosts"),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "https://gallop.example/hooks/stripe"),
        ({"STRIPE_SECRET_KEY": "sk_test_sandbox"}, "real money would buy sandbox videos"),
        (
            {"WAVESPEED_API_KEY": "sandbox", "STRIPE_SECRET_KEY": "sk_test_sandbox"},
            "PUBLIC_URL is public but the outside services are the sandbox.",
        ),
        (
            {
                "WAVESPEED_BASE_URL": "http://127.0.0.1:8001",
                "STRIPE_API_BASE": "http://127.0.0.1:8001",
            },
            "PUBLIC_URL is public but the outside services are the sandbox.",
        ),
    ],
)
def test_a_public_start_is_refused(tmp_path: Path, changes: dict[str, str], hint: str) -> None:
    assert hint in refusal(public_environment(tmp_path) | changes)


def test_the_refusal_of_a_missing_secret_key_carries_a_command_that_makes_one(
    tmp_path: Path,
) -> None:
    sentence = refusal(public_environment(tmp_path) | {"SECRET_KEY": ""})
    assert "python -c 'import secrets; print(secrets.token_urlsafe(50))'" in sentence
    assert list(tmp_path.iterdir()) == [], "no key may be made up on a public machine"


def test_a_refusal_never_repeats_a_secret(tmp_path: Path) -> None:
    environment = public_environment(tmp_path) | {"STRIPE_WEBHOOK_SECRET": ""}
    done = run("import config.settings", environment)
    assert done.returncode == 1
    for name in ("SECRET_KEY", "STRIPE_SECRET_KEY", "WAVESPEED_API_KEY"):
        assert environment[name] not in done.stderr


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"AWS_ACCESS_KEY_ID": "key"}, "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SECRET_ACCESS_KEY": "secret"}, "or neither: then the role of the machine is used"),
        ({"AWS_S3_ENDPOINT_URL": "127.0.0.1:9000"}, "AWS_S3_ENDPOINT_URL must be a full address"),
        ({"AWS_S3_ENDPOINT_URL": "http://storage.test"}, "browsers fetch films there"),
    ],
)
def test_a_bucket_that_nobody_could_reach_is_refused(
    changes: dict[str, str], hint: str, tmp_path: Path
) -> None:
    public = public_environment(tmp_path) | {"AWS_STORAGE_BUCKET_NAME": "films"}
    assert hint in refusal(public | changes)
