"""The main job through the API: hold, drive, store, charge."""

from collections.abc import Callable

from billing import money
from generations import images
from generations.models import Generation
from tests.cast import Customer
from tests.pictures import draw

MODEL = "/api/v3/alibaba/happyhorse-1.1/image-to-video"


def test_a_picture_becomes_a_paid_video(alice: Customer, settle: Callable[[], None]) -> None:
    upload = images.receive(alice.account, draw(), "disc.jpg")
    body = {"image": images.address(upload), "resolution": "720p", "duration": 3}

    answer = alice.post(MODEL, body)

    assert answer.status_code == 200, answer.content
    assert answer.json()["data"]["status"] == "created"
    assert alice.available_micros == money.parse("24.58")
    assert alice.balance_micros == money.parse("25")

    settle()

    generation = Generation.objects.get()
    assert generation.status == Generation.Status.COMPLETED
    assert (generation.frames, generation.width, generation.height) == (72, 960, 720)
    assert alice.available_micros == alice.balance_micros == money.parse("24.58")
