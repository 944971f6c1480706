"""A minute at full speed: submissions, results and galleries of many customers at the same time."""

from io import StringIO
from itertools import cycle, islice
from pathlib import Path

import httpx
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from accounts.models import Membership, User
from bench import bench_api, crowd, web_server, wrk
from generations import catalog, lifecycle

SECONDS = 60
CONNECTIONS = 16
ACCOUNTS = 200
BROWSERS = 20
# Programs ask for results more often than people open their gallery.
RESULTS_EACH, GALLERIES_IN = 3, 4


def cookies(members: list[crowd.Member]) -> list[str]:
    """Sign somebody of each account in, and return their cookies."""
    found = []
    for number, member in enumerate(members):
        user = User.objects.create_user(f"browser{number}@example.org")
        Membership.objects.create(account=member.account, user=user, role=Membership.Role.OWNER)
        browser = Client()
        browser.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        name = settings.SESSION_COOKIE_NAME
        found.append(f"{name}={browser.cookies[name].value}")
    return found


@pytest.mark.django_db(transaction=True)
def bench_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Print the rate and the times; nothing may be refused, and the audit must be clean."""
    members = crowd.gather(ACCOUNTS)
    first, model = members[0], catalog.IMAGE_TO_VIDEO
    inputs = model.clean(crowd.submit_body())
    job = lifecycle.request(
        first.account, model, inputs, user=first.key.created_by, api_key=first.key
    )
    crowd.give_past(members, job)
    jars = cookies(members[:BROWSERS])
    asked: list[wrk.Request] = []
    submits, reads = bench_api.submissions(members, once=True), bench_api.results(members)
    for number, (submit, read, jar) in enumerate(zip(submits, reads, cycle(jars), strict=False)):
        asked += [submit, *islice(cycle([read]), RESULTS_EACH)]
        if number % GALLERIES_IN == 0:
            asked.append(wrk.Request("GET", "/gallery?status=failed", "", cookie=jar))
    file = bench_api.write(tmp_path / "all", asked)

    with bench_api.driver_seated(), web_server.running(data=tmp_path) as site:
        shown = httpx.get(f"{site.url}/gallery?status=failed", headers={"Cookie": jars[0]})
        assert shown.status_code == 200
        assert "through shallow water" in shown.text
        wrk.run(site.url, file, connections=CONNECTIONS, seconds=bench_api.WARM_SECONDS)
        load = wrk.run(site.url, file, connections=CONNECTIONS, seconds=SECONDS)

    with capsys.disabled():
        print(
            f"\n{SECONDS} s, {CONNECTIONS} connections, {ACCOUNTS} accounts, per "
            f"{GALLERIES_IN} submits {GALLERIES_IN * RESULTS_EACH} results and a gallery: "
            f"{load.rate:.0f}/s, p50 {load.p50:.1f} ms, p99 {load.p99:.1f} ms, "
            f"{load.refused} refused"
        )
    assert load.refused == 0
    call_command("audit", stdout=StringIO())
