import os
import httpx

answer = httpx.get(
    os.environ["GALLOP_URL"] + "/api/v3/key",
    headers={"Authorization": f"Bearer {os.environ['GALLOP_API_KEY']}"},
)
key = answer.raise_for_status().json()["data"]
print(key["mode"], key["scopes"], "left of the cap:", key["remaining"])
print(answer.headers["RateLimit"])
