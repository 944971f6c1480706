import os
from wavespeed import Client

# With a test key, magic words end the film as you like.
client = Client(os.environ["GALLOP_API_KEY"], base_url=os.environ["GALLOP_URL"])
try:
    client.run(
        "alibaba/happyhorse-1.1/text-to-video",
        {"prompt": "A horse gallops [fail]", "duration": 3},
    )
except RuntimeError as error:
    print(error)
