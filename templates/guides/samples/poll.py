import os
from wavespeed import Client

client = Client(os.environ["GALLOP_API_KEY"], base_url=os.environ["GALLOP_URL"])
film = client.run(
    "alibaba/happyhorse-1.1/text-to-video",
    {"prompt": "A horse gallops along the sea", "duration": 3},
    poll_interval=5,
)
print(film["outputs"][0])
