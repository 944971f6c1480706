"""House rules that no linter knows: what our own code and templates must not contain."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import BASE_DIR

APPS = ("accounts", "billing", "config", "generations")
TEMPLATES = BASE_DIR / "templates"

# What a file may not say, why, and the files that may.
PYTHON_RULES: dict[str, tuple[str, set[str]]] = {
    r"\bmark_safe\(|\bSafeString\(|__html__": (
        "text becomes markup unescaped: use format_html",
        # It escapes each word before it marks it.
        {"generations/templatetags/samples.py"},
    ),
    r"@csrf_exempt\b|csrf_exempt\(": (
        "a form of another site could send this",
        {"billing/views.py", "generations/views.py"},
    ),
    r"\.extra\(|RawSQL\(|objects\.raw\(": (
        "SQL outside of its named statements",
        {"generations/claims.py", "generations/predictions.py"},
    ),
    r"verify\s*=\s*False|CERT_NONE|_create_unverified_context": ("anybody may answer", set()),
    r"\bpickle\b|\bmarshal\b|yaml\.load\(|\beval\(|\bexec\(": ("data would run as code", set()),
    r"httpx\.(get|post|put|Client|AsyncClient)\(|\brequests\.(get|post)|urlopen\(": (
        "foreign addresses are fetched through config.outbound alone",
        # These talk to ourselves and to WaveSpeed, at the address of the settings.
        {
            "config/outbound.py",
            "config/serve.py",
            "generations/reports/upstream_costs.py",
            "generations/wavespeed.py",
        },
    ),
    r"request\.META\[|HTTP_X_FORWARDED_FOR": (
        "headers of strangers are read by config.visitors alone",
        {"config/visitors.py", "config/request_id.py"},
    ),
    r"HTTP_REFERER|headers\.get\(\"Referer": (
        "a stranger says where to go back to",
        # It asks whether the address is ours.
        {"generations/desk/pages.py"},
    ),
    r"shell\s*=\s*True|os\.system\(|os\.popen\(": ("a shell reads what it is given", set()),
    r"\bmd5\(|\bsha1\(": ("a broken digest", set()),
    r"DEBUG\s*=\s*True": ("it shows secrets", set()),
}
TEMPLATE_RULES = {
    r"\|\s*safe\b|autoescape off": "text becomes markup unescaped",
    r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/(ld\+)?json\")": "the policy blocks it",
    r"\son\w+=\"": "the policy blocks it",
    r"\bstyle=\"": "the policy blocks it",
    r"href=\"{{\s*request\.(GET|META)": "a stranger says where it leads",
    r"target=\"_blank\"(?![^>]*rel=)": "the page opened could steer ours",
}


def sources() -> Iterator[Path]:
    for app in APPS:
        for path in (BASE_DIR / app).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path


@pytest.mark.parametrize("rule", PYTHON_RULES)
def test_no_module_says(rule: str) -> None:
    why, allowed = PYTHON_RULES[rule]
    found = {
        path.relative_to(BASE_DIR).as_posix()
        for path in sources()
        if re.search(rule, path.read_text())
    }
    assert found <= allowed, why


@pytest.mark.parametrize("rule", TEMPLATE_RULES)
def test_no_template_says(rule: str) -> None:
    # Mails have inline styles, because mail programs know nothing else; admin pages a policy of
    # their own.
    found = [
        path.relative_to(TEMPLATES).as_posix()
        for path in TEMPLATES.rglob("*.html")
        if not {"mail", "email", "admin"} & set(path.parts) and re.search(rule, path.read_text())
    ]
    assert found == [], TEMPLATE_RULES[rule]
