"""The way out by https: the address is the judged one, the name is the one in the URL."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone
from pytest_django import Settings

from config import outbound
from config.outbound import FetchFailed
from tests.config.internet import Internet, lay_wires, name_server, serving
from tests.config.test_ssrf_table import HERE, SITE, picture, webhook
from tests.web import Page, Web


@dataclass
class SafeSite:
    """A site with a certificate for SITE, and the names that it was called by."""

    web: Web
    internet: Internet
    called: list[str | None] = field(default_factory=list)


def certificate(path: Path) -> None:
    """Write a key and a certificate for SITE that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SITE)])
    now = timezone.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SITE)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))


@pytest.fixture
def safe_site(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SafeSite]:
    """A site by https at a public address, whose certificate this machine believes."""
    settings.PRIVATE_HOSTS_ALLOWED = set()
    papers = tmp_path / "site.pem"
    certificate(papers)
    monkeypatch.setenv("SSL_CERT_FILE", str(papers))
    outbound._trust.cache_clear()
    safe = SafeSite(Web(host=SITE), Internet())

    def note(_line: object, name: str | None, _context: ssl.SSLContext) -> None:
        safe.called.append(name)

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(papers)
    tls.sni_callback = note
    with name_server(safe.internet) as names, serving(safe.web, tls) as server:
        safe.internet.servers[HERE, 443] = server
        lay_wires(safe.internet, names, monkeypatch)
        yield safe
    outbound._trust.cache_clear()


def test_the_name_is_told_and_checked_though_a_number_is_dialled(safe_site: SafeSite) -> None:
    safe_site.internet.name(SITE, [HERE], ["127.0.0.1"])
    safe_site.web.put("/a", Page(content=b"a picture"))

    assert picture(f"https://{SITE}/a") == b"a picture"

    assert safe_site.internet.dialled == [(HERE, 443)]
    assert safe_site.called == [SITE]
    assert safe_site.web.headers[0]["Host"] == SITE
    assert safe_site.internet.questions == [SITE]


def test_a_webhook_is_posted_under_the_name(safe_site: SafeSite) -> None:
    safe_site.internet.name(SITE, [HERE])
    safe_site.web.put("/hook", Page(status=204))

    assert webhook(f"https://{SITE}/hook") == 204

    assert (safe_site.called, safe_site.internet.dialled) == ([SITE], [(HERE, 443)])
    assert safe_site.web.bodies == [b"{}"]


@pytest.mark.parametrize("host", ["other.test", HERE])
def test_a_certificate_for_another_name_is_not_believed(safe_site: SafeSite, host: str) -> None:
    safe_site.internet.name("other.test", [HERE])
    for way in (picture, webhook):
        with pytest.raises(FetchFailed, match="could not be reached"):
            way(f"https://{host}/a")
    assert safe_site.web.asked == []
    assert safe_site.internet.dialled == [(HERE, 443)] * 2
