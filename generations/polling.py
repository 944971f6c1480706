"""How often a page asks again for jobs that are being made."""

import uuid
from collections.abc import Mapping

from generations import line

# What the browser shows of a running job is asked for this often.
PROGRESS_SECONDS = 1
# Far back in the line less often: so much goes on before one that a second changes nothing.
WAITING_SECONDS = 5
FAR_BACK = 20


def seconds(outlooks: Mapping[uuid.UUID, line.Outlook]) -> int:
    """Return after how many seconds these jobs are asked for again."""
    places = [outlook.place for outlook in outlooks.values()]
    far = all(place is not None and place.before >= FAR_BACK for place in places)
    return WAITING_SECONDS if far else PROGRESS_SECONDS
