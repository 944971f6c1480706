"""What the environment leads to: a complete site on one machine, and a strict one in public."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environ
import pytest

from config import addresses, database, settings
from tests.config.interpreter import (
    local_environment,
    public_environment,
    run,
    settings_of,
)
from tests.deploy_check import main as deploy_check

ROUNDS = 50


def test_with_nothing_set_the_site_is_complete_and_plays(tmp_path: Path) -> None:
    assert (
        settings_of(
            local_environment(tmp_path),
            *("PUBLIC_URL", "LOCAL", "DEBUG", "SANDBOX", "WAVESPEED_BASE_URL", "STRIPE_API_BASE"),
        )
        == ["http://127.0.0.1:8000", True, False, True] + ["http://127.0.0.1:8001"] * 2
    )


def test_the_port_moves_everything(tmp_path: Path) -> None:
    assert (
        settings_of(
            local_environment(tmp_path) | {"PORT": "9100"},
            *("PUBLIC_URL", "SANDBOX_URL", "STRIPE_API_BASE", "CHECKOUT_ORIGIN"),
        )
        == ["http://127.0.0.1:9100"] + ["http://127.0.0.1:9101"] * 3
    )


def test_a_public_site_uses_the_real_services(tmp_path: Path) -> None:
    assert settings_of(
        public_environment(tmp_path),
        *("SANDBOX", "WAVESPEED_BASE_URL", "STRIPE_API_BASE", "CHECKOUT_ORIGIN"),
    ) == [
        False,
        "https://api.wavespeed.ai",
        "https://api.stripe.com",
        "https://checkout.stripe.com",
    ]


def test_a_public_site_is_strict_with_browsers(tmp_path: Path) -> None:
    strict = (
        *("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT"),
        *("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"),
    )
    assert settings_of(public_environment(tmp_path), *strict) == [True] * 5
    assert settings_of(local_environment(tmp_path), *strict) == [False] * 5
    assert settings_of(public_environment(tmp_path), "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS") == [
        ["gallop.example"],
        ["https://gallop.example"],
    ]


def test_a_public_site_reaches_no_private_address(tmp_path: Path) -> None:
    assert settings_of(public_environment(tmp_path), "PRIVATE_HOSTS_ALLOWED") == ["frozenset()"]


@pytest.mark.parametrize("price", ["", "0.189", "1", "0.000001", "120.5"])
def test_a_price_of_text_to_video_in_1080p_may_be_set(tmp_path: Path, price: str) -> None:
    environment = local_environment(tmp_path) | {"TEXT_TO_VIDEO_1080P_PRICE": price}

    assert settings_of(environment, "TEXT_TO_VIDEO_1080P_PRICE") == [price]


def test_a_slash_at_the_end_of_an_address_does_not_count(tmp_path: Path) -> None:
    environment = public_environment(tmp_path) | {"PUBLIC_URL": "https://gallop.example/"}
    assert settings_of(environment, "PUBLIC_URL") == ["https://gallop.example"]


def test_a_secret_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = settings_of(local_environment(tmp_path), "SECRET_KEY")
    assert settings_of(local_environment(tmp_path), "SECRET_KEY") == first
    assert len(first[0]) >= 50
    kept = tmp_path / "secret_key"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [kept], "no draft is left behind"


def test_starts_at_the_same_moment_agree_on_one_secret_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    starts = 4
    together = threading.Barrier(starts)

    def start(_: int) -> str:
        together.wait()
        return settings._secret_key()

    with ThreadPoolExecutor(starts) as threads:
        for number in range(ROUNDS):
            monkeypatch.setattr(settings, "DATA", tmp_path / str(number))
            assert len(set(threads.map(start, range(starts)))) == 1


def test_the_deployment_checks_find_nothing() -> None:
    assert deploy_check() == 0


def configured(monkeypatch: pytest.MonkeyPatch, url: str | None, *arguments: str) -> object:
    monkeypatch.setattr("sys.argv", ["manage.py", *arguments])
    if url is None:
        monkeypatch.delenv("DATABASE_URL", raising=False)
    else:
        monkeypatch.setenv("DATABASE_URL", url)
    return database.configure(environ.Env(), Path("data"))


def test_without_an_address_the_database_is_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = {"min_size": 1, "max_size": 16, "timeout": 10}
    assert configured(monkeypatch, None) == {
        "ENGINE": "config.embedded",
        "NAME": "gallop",
        "OPTIONS": {"folder": "data/postgres", "pool": pool},
        "CONN_HEALTH_CHECKS": True,
    }


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "psql", "pgsql"])
def test_an_address_names_host_user_and_database(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    found = configured(monkeypatch, f"{scheme}://ann:pw@db.example:5433/shop?sslmode=require")
    assert isinstance(found, dict)
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert [found[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")] == [
        *("db.example", 5433, "ann", "pw", "shop")
    ]
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["pool"]["max_size"] == 16


@pytest.mark.parametrize("url", [None, "postgres://ann@db.example/shop"])
def test_the_worker_forks_so_it_has_no_pool(
    monkeypatch: pytest.MonkeyPatch, url: str | None
) -> None:
    found = configured(monkeypatch, url, "qcluster")
    assert isinstance(found, dict)
    assert "pool" not in found["OPTIONS"]
    assert (found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]) == (None, True)


def test_reading_the_settings_starts_no_database(tmp_path: Path) -> None:
    done = run("import django; from config import settings", local_environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:8000/x", True),
        ("https://gallop.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://evil.example/127.0.0.1", False),
    ],
)
def test_only_this_machine_is_local(url: str, expected: bool) -> None:
    assert addresses.loopback(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://gallop.example", "gallop.example:80"),
        ("https://gallop.example/path", "gallop.example:443"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
    ],
)
def test_an_address_has_a_port_even_when_it_names_none(url: str, expected: str) -> None:
    assert addresses.host_and_port(url) == expected


def test_a_task_is_never_handed_out_twice_while_it_runs() -> None:
    timeout, retry = settings.Q_CLUSTER["timeout"], settings.Q_CLUSTER["retry"]
    assert isinstance(timeout, int)
    assert isinstance(retry, int)
    assert settings.DRIVER_SHIFT_SECONDS < timeout < retry


def test_media_are_kept_in_a_folder_or_in_the_bucket_that_is_named(tmp_path: Path) -> None:
    local = local_environment(tmp_path)
    [storages] = settings_of(local, "STORAGES")
    assert storages["default"] == {"BACKEND": "config.media.Folder"}

    [storages] = settings_of(
        local
        | {
            "AWS_STORAGE_BUCKET_NAME": "films",
            "AWS_S3_REGION_NAME": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_LOCATION": "/gallop/",
        },
        "STORAGES",
    )
    assert storages["default"]["BACKEND"] == "config.bucket.Bucket"
    assert storages["default"]["OPTIONS"] == {
        "bucket_name": "films",
        "endpoint_url": None,
        "region_name": "eu-central-1",
        "access_key": "key",
        "secret_key": "secret",
        "security_token": None,
        "location": "gallop",
        "addressing_style": "virtual",
    }


def test_another_service_than_amazons_is_addressed_by_path(tmp_path: Path) -> None:
    [storages] = settings_of(
        local_environment(tmp_path)
        | {"AWS_STORAGE_BUCKET_NAME": "films", "AWS_S3_ENDPOINT_URL": "http://127.0.0.1:9000"},
        "STORAGES",
    )
    options = storages["default"]["OPTIONS"]
    assert (options["addressing_style"], options["access_key"]) == ("path", None)
