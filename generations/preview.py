"""The small silent film that a card plays under the pointer: the first seconds, few pixels.

It is made from frames that are being decoded anyway, one at a time.
"""

from fractions import Fraction
from pathlib import Path

import av
from av.error import FFmpegError
from av.video.reformatter import Interpolation

SIDE_MAX = 480
SECONDS_MAX = 4
# Half the frames of a film: enough to see what moves, at half the bytes.
RATE = 12
OPTIONS = {"crf": "30", "preset": "veryfast", "threads": "1"}


class Preview:
    """Takes the frames of a film in their order and writes some of them small to a file.

    A preview is worth having, and no reason to refuse a film: what cannot be made is left out.
    """

    def __init__(self, path: Path, width: int, height: int, rate: Fraction) -> None:
        scale = min(1.0, SIDE_MAX / max(width, height))
        self.width, self.height = (max(2, round(side * scale / 2) * 2) for side in (width, height))
        self._every = max(1, round(rate / RATE))
        self._rate = rate / self._every
        self._frames_max = max(1, int(SECONDS_MAX * self._rate))
        self._path = path
        self._seen = self._taken = 0
        self._file: av.container.OutputContainer | None = None
        self._failed = False

    def show(self, frame: av.VideoFrame) -> None:
        """Take the next frame of the film."""
        wanted = self._seen % self._every == 0 and self._taken < self._frames_max
        self._seen += 1
        if wanted and not self._failed:
            try:
                self._write(frame)
            except (FFmpegError, ValueError):
                self._failed = True

    def close(self) -> bool:
        """Finish the file and tell whether there is a preview in it."""
        if self._file is None:
            return False
        try:
            if not self._failed:
                self._file.mux(self._stream.encode())
            self._file.close()
        except (FFmpegError, ValueError):
            self._failed = True
        return not self._failed

    def _write(self, frame: av.VideoFrame) -> None:
        if self._file is None:
            # Its index comes first, so that it plays while it is still being fetched.
            self._file = av.open(
                str(self._path), "w", format="mp4", options={"movflags": "faststart"}
            )
            self._stream = self._file.add_stream("libx264", self._rate, options=OPTIONS)
            self._stream.width, self._stream.height = self.width, self.height
            self._stream.pix_fmt = "yuv420p"
        small = frame.reformat(
            self.width, self.height, "yuv420p", interpolation=Interpolation.BILINEAR
        )
        small.pts, small.time_base = self._taken, 1 / self._rate
        self._taken += 1
        self._file.mux(self._stream.encode(small))
