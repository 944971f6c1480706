"""One process that requests jobs at a given rate: a part of bench_submit, not run by hand."""

import sys
import time
import uuid

from accounts.models import Account
from generations import catalog, images, lifecycle


def main() -> None:
    """Request argv[2] jobs a second for argv[3] seconds for the account of argv[1]; print how many.

    A line "go" on stdin starts the clock, so that several processes begin together.
    """
    account = Account.objects.get(pk=uuid.UUID(sys.argv[1]))
    rate, seconds = float(sys.argv[2]), float(sys.argv[3])
    picture = account.uploads.exclude(file="").earliest("created_at")
    model = catalog.IMAGE_TO_VIDEO
    body = {"image": images.address(picture), "prompt": "[fail]", "duration": 3}
    inputs = model.clean(body)
    print("ready", flush=True)
    sys.stdin.readline()
    start, requested = time.monotonic(), 0
    while (passed := time.monotonic() - start) < seconds:
        if requested >= passed * rate:
            time.sleep(0.5 / rate)
            continue
        lifecycle.request(account, model, inputs, upload=picture)
        requested += 1
    print(requested, flush=True)


if __name__ == "__main__":
    main()
