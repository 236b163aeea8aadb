"""A small video for the tests of the page of clips: a bright square that goes round over a slanted ground."""

import numpy as np
from numpy.typing import NDArray

from inspector.draw.clip_page import ClipFacts, ClipMoment

CLASSES = ("right", "left", "down", "up", "turn right", "turn left", "grow", "shrink")
FRAMES = 40
FPS = 25.0


def clip_facts(**more: object) -> ClipFacts:
    """The facts of a video of 40 frames of 64x64 pixels, all of which the network sees."""
    known: dict[str, object] = {
        "title": "turning square",
        "subtitle": ("motion-digits", "epsilon_plus", "16 frames, stride 1, step 8"),
        "class_names": CLASSES,
        "frame_count": FRAMES,
        "seconds": FRAMES / FPS,
        "frames": 16,
        "box": (0.0, 0.0, 64.0, 64.0),
        "screen_size": (64, 64),
    }
    return ClipFacts(**{**known, **more})  # type: ignore[arg-type]


def clip_frames(height: int = 64, width: int = 64) -> list[NDArray[np.uint8]]:
    """The frames, uint8 (height, width, 3), of any size of 16 and more."""
    down, across = np.mgrid[:height, :width]
    ground = np.stack([30 + 60 * across / width, 40 + 50 * down / height, np.full(down.shape, 70.0)], axis=2)
    frames = []
    for index in range(FRAMES):
        angle = 2 * np.pi * index / FRAMES
        top = round(height * (0.42 + 0.25 * np.sin(angle)))
        left = round(width * (0.42 + 0.25 * np.cos(angle)))
        frame = ground.astype(np.uint8)
        frame[top : top + height // 6, left : left + width // 6] = (240, 236, 220)
        frames.append(frame)
    return frames


def clip_moments(height: int = 64, width: int = 64) -> list[ClipMoment]:
    """A moment for each frame; the relevance is what changed since the frame before, so that it lies on the square."""
    frames = clip_frames(height, width)
    return [_moment(frames, index) for index in range(FRAMES)]


def _moment(frames: list[NDArray[np.uint8]], index: int) -> ClipMoment:
    greys = [frame.mean(axis=2, dtype=np.float64) / 255 for frame in (frames[index], frames[index - 1])]
    logits = np.array([0.1, 0.4, -0.5, 0.2, 2 + np.sin(index / 6), 1.5, 0.3, -0.2])
    held = np.exp(logits)
    positions = 1 + np.cos(np.linspace(0, 2 * np.pi, 16)) / 2
    windows = 1 if index < 8 or index >= FRAMES - 8 else 2
    return ClipMoment(
        screen=frames[index],
        number=index,
        seconds=index / FPS,
        probabilities=held / held.sum(),
        recognised=int(held.argmax()),
        target=4,
        target_name="turn right",
        relevance=((greys[0] - greys[1]) * (1 + index % 5) / 50).astype(np.float32),
        windows=windows,
        spread=0.02 * (windows - 1),
        in_picture=0.31,
        positions=positions / positions.sum(),
    )
