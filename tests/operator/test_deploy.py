"""What deploy/ says must fit the code: variables, files, figures, pages."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from config.settings import BASE_DIR
from generations import figures

DEPLOY = BASE_DIR / "deploy"
DOCS = BASE_DIR / "docs"
# Read by web.sh, and by the database's own container.
ELSEWHERE = {"WEB_WORKERS", "DATABASE_PASSWORD"}
VARIABLE = re.compile(r"^#?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
FIGURE = re.compile(r"\bgallop_\w+")


def test_every_variable_of_the_example_is_one_that_is_read() -> None:
    known = set(VARIABLE.findall((BASE_DIR / ".env.example").read_text())) | ELSEWHERE
    named = set(VARIABLE.findall((DEPLOY / "production.env.example").read_text()))
    assert named <= known
    assert {"PUBLIC_URL", "SECRET_KEY", "DATABASE_URL", "STRIPE_WEBHOOK_SECRET"} <= named


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["alerts.yaml", "dashboard.json"])
def test_alerts_and_dashboard_ask_for_figures_that_there_are(name: str) -> None:
    families = text_string_to_metric_families(figures.text().decode())
    there = {family.name for family in families}
    asked = set(FIGURE.findall((DEPLOY / "monitoring" / name).read_text()))
    assert asked, "no figure is asked for"
    assert asked <= there


def test_every_alert_leads_to_a_page() -> None:
    rules = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())["groups"][0][
        "rules"
    ]
    headings = re.findall(r"^## (.+)$", (DOCS / "incidents.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z -]", "", one.lower()).replace(" ", "-") for one in headings}
    assert len(rules) > 10
    for rule in rules:
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert path == "docs/incidents.md"
        assert anchor in anchors, rule["alert"]


def test_every_figure_is_on_the_dashboard_or_in_an_alert() -> None:
    shown = (DEPLOY / "monitoring" / "dashboard.json").read_text()
    warned = (DEPLOY / "monitoring" / "alerts.yaml").read_text()
    source = (BASE_DIR / "generations" / "figures.py").read_text()
    defined = set(re.findall(r'"(gallop_[a-z_]+)"', source))
    unseen = defined - set(FIGURE.findall(shown)) - set(FIGURE.findall(warned))
    assert unseen == set()
    assert json.loads(shown)["panels"]


def test_the_compose_file_runs_what_is_there() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert {"proxy", "prepare", "web", "worker", "database", "broker", "bucket"} <= set(services)
    named = re.findall(r"deploy/[\w.]+", (DEPLOY / "compose.yaml").read_text())
    made = {"deploy/production.env"}
    assert all((BASE_DIR / path).exists() for path in set(named) - made)
    # Longer than web and worker need to hand over what they have begun.
    assert services["web"]["stop_grace_period"] == "40s"
    assert services["worker"]["stop_grace_period"] == "60s"


@pytest.mark.parametrize("unit", sorted(path.name for path in (DEPLOY / "systemd").iterdir()))
def test_every_unit_runs_what_is_there(unit: str) -> None:
    text = (DEPLOY / "systemd" / unit).read_text()
    for path in re.findall(r"ExecStart=.*?((?:deploy/[\w.]+)|(?:manage\.py))", text):
        assert (BASE_DIR / path).exists()
    commands = re.findall(r"manage\.py (\w+)", text)
    known = {path.stem for path in BASE_DIR.glob("*/management/commands/*.py")}
    assert set(commands) <= known


def test_the_shell_scripts_can_be_read() -> None:
    for script in DEPLOY.glob("*.sh"):
        subprocess.run([shutil.which("sh") or "sh", "-n", str(script)], check=True)


def test_the_proxy_waits_for_slow_bodies_itself() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    for directive in (
        "proxy_request_buffering on;",
        "client_body_timeout 15s;",
        "client_header_timeout 10s;",
        "client_max_body_size 12m;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Request-Id $request_id;",
    ):
        assert directive in text, directive


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_no_link_of_the_documents_leads_nowhere(page: str) -> None:
    text = (DOCS / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (DOCS / target).exists(), target
    for path in re.findall(
        r"`((?:deploy|config|billing|generations|accounts|tests)/[\w/.]+)`", text
    ):
        assert (BASE_DIR / path.rstrip(".")).exists(), path


def test_whom_to_tell_of_a_weak_spot_is_said(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Gallop <hello@gallop.example>"
    assert b"mailto:hello@gallop.example\n" in Client().get("/.well-known/security.txt").content
    settings.OPERATOR_EMAIL = "operator@gallop.example"
    text = Client().get("/.well-known/security.txt").content.decode()
    assert "Contact: mailto:operator@gallop.example\n" in text
    assert re.search(r"^Expires: 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$", text, re.MULTILINE)


@pytest.mark.parametrize("name", [".env", "var", ".git", "deploy/production.env"])
def test_no_secret_gets_into_an_image(name: str) -> None:
    assert name in (BASE_DIR / ".dockerignore").read_text().splitlines()
