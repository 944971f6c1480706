"""One process that requests jobs at a given rate: a part of bench_submit, not run by hand."""

import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings

from accounts.models import Account
from generations import catalog, images, lifecycle

# As many as in the web server: what waits for one account is written together.
THREADS = settings.WEB_THREADS


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
    start = time.monotonic()

    def request_steadily(_: int) -> int:
        requested = 0
        while (passed := time.monotonic() - start) < seconds:
            if requested >= passed * rate / THREADS:
                time.sleep(0.5 * THREADS / rate)
                continue
            lifecycle.request(account, model, inputs, upload=picture)
            requested += 1
        return requested

    with ThreadPoolExecutor(THREADS) as threads:
        print(sum(threads.map(request_steadily, range(THREADS))), flush=True)


if __name__ == "__main__":
    main()
