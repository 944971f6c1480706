import os
from wavespeed import Client

client = Client(os.environ["GALLOP_API_KEY"], base_url=os.environ["GALLOP_URL"])
image = client.upload("horse.jpg")
film = client.run(
    "alibaba/happyhorse-1.1/image-to-video",
    {"image": image, "prompt": "The horse gallops, dust rises", "duration": 3},
)
print(film["outputs"][0])
