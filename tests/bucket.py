"""A stand-in for S3 as a real server, and the official client to look into it from outside."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from pytest_django import Settings

REGION = "eu-central-1"
# So many objects a page, where S3 shows a thousand: turning pages takes fewer of them.
PAGE_SIZE = 20
KEYS = {"access_key": "tests", "secret_key": "tests"}


def start(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    """Start the server on this port; whoever asks stops it."""
    with (folder / "bucket.log").open("wb") as log:
        return subprocess.Popen(
            [
                str(Path(sys.executable).with_name("moto_server")),
                "-H",
                "127.0.0.1",
                "-p",
                str(port),
            ],
            env={
                **os.environ,
                "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(64 * 1024 * 1024),
                "MOTO_S3_DEFAULT_MAX_KEYS": str(PAGE_SIZE),
            },
            stdout=log,
            stderr=log,
        )


@dataclass
class Bucket:
    """One bucket of the stand-in."""

    name: str
    url: str
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=KEYS["access_key"],
            aws_secret_access_key=KEYS["secret_key"],
        )
        place = {"LocationConstraint": REGION}
        self.client.create_bucket(Bucket=self.name, CreateBucketConfiguration=place)

    def use(self, settings: Settings, **options: Any) -> None:
        """Keep the media of this test here; options replace the usual ones."""
        usual = {
            "bucket_name": self.name,
            "endpoint_url": self.url,
            "region_name": REGION,
            "addressing_style": "path",
            **KEYS,
        }
        default = {"BACKEND": "config.bucket.Bucket", "OPTIONS": usual | options}
        settings.STORAGES = {**settings.STORAGES, "default": default}

    def names(self) -> list[str]:
        """Return the names of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", []))

    def content(self, name: str) -> bytes:
        """Return the bytes of an object."""
        got: bytes = self.client.get_object(Bucket=self.name, Key=name)["Body"].read()
        return got

    def close(self) -> None:
        """Let go of the client's connections."""
        self.client.close()
