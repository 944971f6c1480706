import os
import uuid
import httpx

# It may be tried again as often as it takes: one film, one price, the same answer.
transport = httpx.HTTPTransport(retries=3)
order = str(uuid.uuid4())

with httpx.Client(transport=transport) as client:
    for attempt in range(2):
        answer = client.post(
            f"{os.environ['GALLOP_URL']}/api/v3/alibaba/happyhorse-1.1/text-to-video",
            headers={
                "Authorization": f"Bearer {os.environ['GALLOP_API_KEY']}",
                "Idempotency-Key": order,
            },
            json={"prompt": "A horse gallops along the sea", "duration": 3},
        )
        again = answer.headers.get("Idempotent-Replayed", "false")
        print(answer.json()["data"]["id"], again)
