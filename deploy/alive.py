"""Whether this container's web server answers: exit 0, or an error. For its health check."""

import os
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

SECONDS_MAX = 4

# As the proxy asks: for the site's own name, and over HTTPS.
headers = {
    "Host": urlsplit(os.environ["PUBLIC_URL"]).netloc,
    "X-Forwarded-Proto": "https",
}
port = os.environ.get("PORT", "8000")
request = Request(f"http://127.0.0.1:{port}/healthz", headers=headers)
urlopen(request, timeout=SECONDS_MAX).close()  # noqa: S310  http, as written
