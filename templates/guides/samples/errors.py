import os
import time
import httpx

TRIES_MAX = 5


def ask(path: str, **inputs: object) -> dict:
    """Post, and come back later when we are asked to. Other errors are told in words."""
    for attempt in range(TRIES_MAX):
        answer = httpx.post(
            f"{os.environ['GALLOP_URL']}/api/v3/{path}",
            headers={"Authorization": f"Bearer {os.environ['GALLOP_API_KEY']}"},
            json=inputs,
        )
        if answer.status_code != 429:
            break
        time.sleep(int(answer.headers["Retry-After"]))
    said = answer.json()
    if answer.is_error:
        raise RuntimeError(f"{said['message']} (request {said['data']['request_id']})")
    return said["data"]


try:
    ask("alibaba/happyhorse-1.1/text-to-video", prompt="A horse gallops", resolution="480p")
except RuntimeError as error:
    print(error)
