import os
import httpx

gallop = httpx.Client(
    base_url=os.environ["GALLOP_URL"] + "/api/v3",
    headers={"Authorization": f"Bearer {os.environ['GALLOP_API_KEY']}"},
)
answer = gallop.post(
    "/alibaba/happyhorse-1.1/image-to-video",
    json={
        "image": os.environ["GALLOP_URL"] + "/static/samples/horse.jpg",
        "prompt": "The horse gallops, dust rises",
        "resolution": "720p",
        "duration": 3,
    },
)
job = answer.raise_for_status().json()["data"]
print(job["id"], job["status"])
