"""Small films whose every frame shows its own number, in blocks that survive the encoder."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS, BLOCK = 12, 16
UNIT = Fraction(1, 600)
"""Seconds in which `times` are counted."""


def picture(number: int, width: int = 160, height: int = 96) -> NDArray[np.uint8]:
    """A ground with the number in binary above and a bar that moves below."""
    page = np.full((height, width, 3), (90, 60, 120), np.uint8)
    for bit in range(BITS):
        row, column = (BLOCK * part for part in divmod(bit, 4))
        page[row : row + BLOCK, column : column + BLOCK] = 235 if number >> bit & 1 else 16
    place = 3 * number % (width - 20)
    page[height - 30 : height - 10, place : place + 20] = (200, 40, 40)
    return page


def number_of(page: NDArray[np.uint8]) -> int:
    """The number that a picture shows."""
    middles = page[BLOCK // 2 : 3 * BLOCK : BLOCK, BLOCK // 2 : 4 * BLOCK : BLOCK].mean(axis=2)
    return sum(int(bright) << bit for bit, bright in enumerate(middles.ravel() > 128))


def write(
    path: Path,
    count: int = 60,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[int] | None = None,
    fps: Fraction | int = 25,
    size: tuple[int, int] = (160, 96),
    options: Mapping[str, str] | None = None,
    movflags: str = "",
    rotation: int = 0,
    aspect: Fraction | None = None,
) -> Path:
    """Write a film, with B-frames where the codec has them, at an even rate, or each frame at its time in `UNIT`s."""
    base = UNIT if times else 1 / Fraction(fps)
    with av.open(str(path), "w", options={"movflags": movflags} if movflags else {}) as film:
        stream = film.add_stream(codec, rate=fps, options={"g": "20", **(options or {})})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.time_base = base
        stream.codec_context.thread_count = 1  # the same bytes each time
        stream.codec_context.sample_aspect_ratio = aspect or Fraction(1)
        if codec in {"libx264", "mpeg4"}:
            stream.codec_context.max_b_frames = 2
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number, *size))
            frame.pts, frame.time_base = times[number] if times else number, base
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path
