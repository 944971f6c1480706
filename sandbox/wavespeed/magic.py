"""Magic words: written in a prompt, they make the stand-in go wrong in one chosen way.

Square brackets keep them out of ordinary prompts. Words about the submission and words about
the ending can be combined: `[429] [fail]` is refused twice, then accepted, then fails.
"""

from dataclasses import dataclass

WORDS = {
    "[fail]": "ends failed, code 1403",
    "[moderated]": "ends failed, code 1200, has_nsfw_contents [true]",
    "[slow]": "takes ten times as long",
    "[stuck]": "never leaves processing",
    "[unreachable]": "completes, but its output answers 404",
    "[garbage]": "completes, but its output is no video",
    "[short]": "completes one second shorter than asked",
    "[empty]": "completes without outputs",
    "[429]": "is refused with 429 twice for the same picture and prompt, then accepted",
    "[500]": "answers 500 once and takes nothing, then is accepted",
    "[lost]": "is accepted, but the answer is a gateway's 504 without an id",
    "[broke]": "is refused twice with 400 Insufficient credits, then accepted",
    "[cancelled]": "ends cancelled",
    "[timeout]": "ends timeout",
    "[deleted]": "ends deleted",
}
SLOWNESS = 10
# How often the same submission is turned away before it is accepted.
REFUSALS = {"[429]": 2, "[500]": 1, "[broke]": 2}


@dataclass(frozen=True)
class Ending:
    """How a job ends: its last status, the code and error it shows, and what was censored."""

    status: str
    code: int = 0
    error: str = ""
    has_nsfw_contents: tuple[bool, ...] = ()


ENDINGS = {
    "[fail]": Ending("failed", 1403, "The model failed to generate a video. Please try again."),
    "[moderated]": Ending(
        "failed", 1200, "The content was flagged as potentially sensitive by moderation.", (True,)
    ),
    "[cancelled]": Ending("cancelled", error="The prediction was cancelled."),
    "[timeout]": Ending("timeout", error="The prediction took too long and was stopped."),
    "[deleted]": Ending("deleted", error="The prediction was deleted."),
}


def spoken(prompt: str) -> list[str]:
    """The magic words in a prompt, in the order of WORDS; case does not matter."""
    heard = prompt.lower()
    return [word for word in WORDS if word in heard]


def ending_of(words: list[str]) -> Ending | None:
    """The first ending among the words, None when the film decides."""
    return next((ENDINGS[word] for word in words if word in ENDINGS), None)
