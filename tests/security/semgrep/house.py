"""What each rule of house.yaml finds and what it lets pass: read by `semgrep --test`, never run."""

import hmac
import logging
import subprocess
import time
from pathlib import Path

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from billing.models import Hold
from config import outbound, statements
from generations.models import Generation

Status = Generation.Status
logger = logging.getLogger(__name__)


def back(request: HttpRequest) -> HttpResponse:
    following = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(following, allowed_hosts=None):
        # ok: visitor-says-where-to-go
        return redirect(following)
    if following == "film":
        # ok: visitor-says-where-to-go
        return redirect("film", pk=request.GET["pk"])
    if following == "gallery":
        # ok: visitor-says-where-to-go
        return redirect(reverse("gallery"))
    # ruleid: visitor-says-where-to-go
    return redirect(following)


def search(request: HttpRequest) -> None:
    words = request.GET["q"]
    with connection.cursor() as cursor:
        # ok: visitor-writes-sql
        cursor.execute("SELECT %s", [words])
        # ruleid: visitor-writes-sql
        cursor.execute(f"SELECT '{words}'")
    # ruleid: visitor-writes-sql
    statements.rows("SELECT " + words, {})


def download(request: HttpRequest, folder: Path) -> bytes:
    name = request.POST["name"].strip()
    # ruleid: visitor-names-a-file
    subprocess.run(["cat", name], check=True)
    # ok: visitor-names-a-file
    (folder / "list").read_bytes()
    # ruleid: visitor-names-a-file
    return (folder / name).read_bytes()


def ask(address: str) -> None:
    # ok: network-within-a-transaction
    answer = outbound.fetch(address)
    with transaction.atomic():
        Generation.objects.select_for_update().get(pk=answer)
        # ruleid: network-within-a-transaction
        outbound.fetch(address)
        if answer:
            # ruleid: network-within-a-transaction
            time.sleep(1)


def share(job: Generation, price_micros: int) -> float:
    # ok: money-becomes-a-fraction
    half = price_micros // 2
    # ruleid: money-becomes-a-fraction
    third = job.price_micros / 3
    # ruleid: money-becomes-a-fraction
    return half + third + float(price_micros)


def settle(job: Generation) -> None:
    # ok: books-are-written-elsewhere
    Hold.objects.filter(reference=job.hold_reference).exists()
    # ruleid: books-are-written-elsewhere
    Hold.objects.create(reference=job.hold_reference)
    # ok: status-is-set-elsewhere
    done = job.status == Status.COMPLETED
    # ruleid: status-is-set-elsewhere
    job.status = Status.COMPLETED if done else Status.FAILED


def give_up(job: Generation) -> None:
    # ruleid: status-is-set-elsewhere
    job.status = Status.FAILED
    # ruleid: status-is-set-elsewhere
    Generation.objects.filter(pk=job.pk).update(error="It did not work.", status=Status.FAILED)


def is_ours(token: str, secret: str) -> bool:
    # ok: secret-compared-by-letters
    if secret == "" or hmac.compare_digest(token, secret):
        return True
    # ruleid: secret-compared-by-letters
    return token == secret


def tell(job: Generation, secret: str) -> None:
    # ok: prompt-or-secret-in-the-log
    logger.info("Job %s is %s.", job.pk, job.status)
    # ruleid: prompt-or-secret-in-the-log
    logger.info("Job %s: %s", job.pk, job.inputs)
    # ruleid: prompt-or-secret-in-the-log
    logger.warning("Wrong: %s", secret)
