"""A probe set of clips: saved windows of videos on which every checkpoint is explained, so that checkpoints compare."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.clips.recipe import ClipRecipe
from inspector.errors import UsageError
from inspector.records import Region
from inspector.regions import Cover

FORMAT = "clips 1"
MOVING = "moving"
"""The region: the object that moves. The rest, the ground, is the background."""

UNKNOWN = -1
"""Stands for the class of a video that has no label."""


@dataclass(frozen=True, eq=False)
class ClipProbe:
    """Clips, with where their object is and which class is explained of each.

    Attributes:
        recipe: How they were made.
        class_names: Of every class.
        stride: Frames of the video from one frame of a clip to the next.
        names: Of the videos.
        clips: uint8 (clips, frames, rows, columns, 3), as the network sees them before they are normalised.
        parts: Which part of each pixel the object covers, of 255, uint8 (clips, frames, rows, columns).
        videos: Number of each clip's video, (clips,).
        starts: Its first frame in that video, (clips,).
        labels: Its class; `UNKNOWN` where the video has none, (clips,).
        targets: The class that is explained, the same under every checkpoint, (clips,).
        sure: Whether the object is known of each video, rather than guessed from what moves, (videos,).
        facts: Where they come from.
    """

    recipe: ClipRecipe
    class_names: tuple[str, ...]
    stride: int
    names: tuple[str, ...]
    clips: NDArray[np.uint8]
    parts: NDArray[np.uint8]
    videos: NDArray[np.int64]
    starts: NDArray[np.int64]
    labels: NDArray[np.int64]
    targets: NDArray[np.int64]
    sure: NDArray[np.bool_]
    facts: Mapping[str, Any]

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.clips)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """For each clip the number of its video among those that have clips: clips of one are not independent."""
        return np.unique(self.videos, return_inverse=True)[1].astype(np.int64)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which clips are of a video whose class is known, (clips,)."""
        return np.asarray(self.labels != UNKNOWN)

    @cached_property
    def covers(self) -> list[list[Cover]]:
        """What the object covers of every frame of every clip."""
        return [[cover_of_part(frame) for frame in parts] for parts in self.parts]

    @cached_property
    def looked_at(self) -> NDArray[np.int64]:
        """Numbers of the videos that have clips: others could not be read."""
        return np.unique(self.videos)

    @property
    def masked_count(self) -> int:
        """How many of them have masks."""
        return int(self.sure[self.looked_at].sum())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of its regions has to know, a line each: how much of what moves is a guess."""
        count = len(self.looked_at)
        guessed = count - self.masked_count
        if not guessed:
            return ()
        part = float(self.parts[~self.sure[self.videos]].mean()) / 255
        return (f"what moves is guessed in {guessed} of {count} videos, {100 * part:.1f} % of their pixels",)

    @property
    def header(self) -> dict[str, Any]:
        """All of it but the arrays."""
        return {
            "format": FORMAT,
            "recipe": asdict(self.recipe),
            "classes": list(self.class_names),
            "stride": self.stride,
            "videos": list(self.names),
            "facts": dict(self.facts),
        }

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        names = ("clips", "parts", "videos", "starts", "labels", "targets", "sure")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def digest(self) -> str:
        """Hexadecimal digest of all that is in it."""
        hashed = hashlib.sha256(json.dumps(self.header, sort_keys=True).encode())
        for array in self.arrays.values():
            hashed.update(np.ascontiguousarray(array).tobytes())
        return hashed.hexdigest()

    def check(self, recipe: ClipRecipe, class_names: tuple[str, ...], stride: int | None) -> None:
        """Compare with the agents that are to be explained on it.

        Args:
            recipe: How they see clips.
            class_names: What they tell apart.
            stride: What was asked; None for whatever the clips have.

        Raises:
            UsageError: If they see clips otherwise, or tell other classes apart.
        """
        cure = "leave --probe out"
        if self.recipe != recipe:
            raise UsageError(f"the probe set was made with {self.recipe}, and the agents want {recipe}: {cure}")
        if self.class_names != class_names:
            mine, theirs = (", ".join(names[:8]) for names in (self.class_names, class_names))
            raise UsageError(f"the probe set is of the classes {mine}, and the agents know {theirs}: {cure}")
        if stride not in (None, self.stride):
            raise UsageError(f"the probe set was made with --stride {self.stride}; asked {stride}: {cure}")


def cover_of_part(part: NDArray[np.uint8]) -> Cover:
    """What the object covers of a frame, by the part of each pixel, of 255, (rows, columns)."""
    flat = part.ravel()
    pixels = np.flatnonzero(flat)
    return Cover(pixels.astype(np.int32), (flat[pixels] / np.float32(255)).astype(np.float32), (len(pixels),))


def region_of_part(part: NDArray[np.uint8], *, sure: bool) -> Region:
    """The object of a frame as boxes a row high, to be outlined: pixels that are more than half its own.

    Args:
        part: Which part of each pixel it covers, of 255, (rows, columns).
        sure: Whether it is known, not guessed.
    """
    inside = np.pad(part > 127, ((0, 0), (1, 1))).astype(np.int8)
    rows, starts = np.nonzero(np.diff(inside, axis=1) == 1)
    _, ends = np.nonzero(np.diff(inside, axis=1) == -1)
    runs = zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True)
    boxes = tuple((float(left), float(row), float(right - left), 1.0) for row, left, right in runs)
    return Region(MOVING, boxes, sure)
