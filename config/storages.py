"""Where media are kept, read from the environment: a bucket when one is named, else a folder."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


def configure(env: environ.Env, *, local: bool) -> dict[str, Any]:
    """Return the bucket that the environment names, or the folder below GALLOP_DATA.

    `local` tells that the site is this machine's own. Raises ImproperlyConfigured.
    """
    bucket = env.str("AWS_STORAGE_BUCKET_NAME", default="")
    if not bucket:
        return {"BACKEND": "config.media.Folder"}
    endpoint = env.str("AWS_S3_ENDPOINT_URL", default="")
    key = env.str("AWS_ACCESS_KEY_ID", default="")
    secret = env.str("AWS_SECRET_ACCESS_KEY", default="")
    if bool(key) != bool(secret):
        raise ImproperlyConfigured(
            "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither: then the role of "
            "the machine is used."
        )
    if endpoint and not endpoint.startswith("https://") and not (local and "://" in endpoint):
        raise ImproperlyConfigured(
            "AWS_S3_ENDPOINT_URL must be a full address with https://: browsers fetch films there."
        )
    options = {
        "bucket_name": bucket,
        "endpoint_url": endpoint or None,
        "region_name": env.str("AWS_S3_REGION_NAME", default="") or None,
        "access_key": key or None,
        "secret_key": secret or None,
        "security_token": env.str("AWS_SESSION_TOKEN", default="") or None,
        "location": env.str("AWS_LOCATION", default="").strip("/"),
        # Others than Amazon seldom have a host name for each bucket.
        "addressing_style": env.str(
            "AWS_S3_ADDRESSING_STYLE", default="path" if endpoint else "virtual"
        ),
    }
    return {"BACKEND": "config.bucket.Bucket", "OPTIONS": options}
