"""Which pieces of work a profile is made of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.profile.folder import Labelled
from inspector.profile.places import Places
from inspector.profile.work import Opener, Trouble, decide_stretch, explain_clips, read_videos
from inspector.provenance import versions
from inspector.sweep import Arrays, Unit
from inspector.track.plan import rules_of

VERSION = 2
"""Of what the pieces of work do: a change here makes all of them new."""

TOGETHER = 16
"""Videos of a piece of work, drawn from all classes evenly."""

RANDOM_PARTS = 2
"""Pieces whose videos are explained under random weights too: how networks differ counts there, not how videos do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user chooses of a profile; all of it but `device` decides the numbers.

    Attributes:
        strides: Frames of the video from one frame of a clip to the next, ascending.
        target: Whose score is explained: of the class that the network `recognised`, or of the `true` one.
        composite: Name of a composite or method, or a TOML file.
        random_networks: Networks with random weights that are compared with.
        seed: Of their weights.
        device: Where networks run.
    """

    strides: tuple[int, ...] = (1, 2, 3, 4)
    target: Literal["recognised", "true"] = "recognised"
    composite: str = "epsilon_plus"
    random_networks: int = 20
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Part:
    """Videos that are worked on together, with the unit that reads them."""

    videos: tuple[Labelled, ...]
    reading: Unit


def parts_of(videos: Sequence[Labelled], agent: ClipAgent, places: Places) -> list[Part]:
    """The videos in parts, each with some of every class as far as they go."""
    count = -(-len(videos) // TOGETHER)
    parts = []
    for number in range(count):
        some = tuple(videos[number::count])
        arguments = {"videos": some, "recipe": agent.recipe, "places": places}
        inputs = {"version": VERSION, "videos": [video.digest for video in some], "recipe": asdict(agent.recipe),
                  "strides": places.strides, "versions": _versions()}  # fmt: skip
        parts.append(Part(some, Unit(f"videos {number + 1} of {count}: read", read_videos, arguments, inputs)))
    return parts


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A part of which at least one video was read.

    Attributes:
        videos: Those that were.
        frame_counts: Frames of each, (videos,).
        masked: Which have masks, (videos,).
        frames: File with their frames.
    """

    videos: tuple[Labelled, ...]
    frame_counts: NDArray[np.int64]
    masked: NDArray[np.bool_]
    frames: Path


def read_of(part: Part, found: Arrays, folder: Path) -> Read | None:
    """What was read of a part; None if nothing was."""
    fine = np.flatnonzero(found["trouble"] == Trouble.NONE)
    if not len(fine):
        return None
    videos = tuple(part.videos[i] for i in fine.tolist())
    return Read(videos, found["frame_count"][fine], found["masked"], folder / f"{part.reading.key}.npz")


class Plan:
    """Pieces of work that explain and decide.

    Args:
        opener: The agent.
        places: Which frames.
        settings: What was chosen.
        read: The videos.
    """

    def __init__(self, opener: Opener, places: Places, settings: Settings, read: Sequence[Read]) -> None:
        self._opener, self._places, self._settings = opener, places, settings
        self.read = tuple(read)

    def explaining(self, stride: int, random_seed: int | None = None) -> list[Unit]:
        """Explain the clip of a stride: of all videos, or with random weights of some."""
        read = self.read if random_seed is None else self.random_read
        return [self._explaining(one, stride, random_seed) for one in read]

    def deciding(self, stride: int) -> list[Unit]:
        """Decide on the whole stretch of all videos."""
        return [self._deciding(one, stride) for one in self.read]

    @property
    def random_read(self) -> tuple[Read, ...]:
        """The videos that are explained under random weights too."""
        return self.read[:RANDOM_PARTS]

    @property
    def random_seeds(self) -> range:
        """Of the networks with random weights."""
        return range(self._settings.seed, self._settings.seed + self._settings.random_networks)

    def _explaining(self, one: Read, stride: int, random_seed: int | None) -> Unit:
        settings, calibration = self._settings, self.read[0]
        asked = {"stride": stride, "random_seed": random_seed, "device": settings.device}
        classes = tuple(video.label for video in one.videos) if settings.target == "true" else None
        arguments = {**self._common(one), **asked, "composite": settings.composite, "classes": classes,
                     "calibration": calibration.frames}  # fmt: skip
        inputs = {
            **self._inputs(one),
            **asked,
            "composite": rules_of(settings.composite),
            "classes": classes,
            "calibration": None if random_seed is None else _digests(calibration),
            "calibration_stride": None if random_seed is None else self._places.strides[0],
        }
        who = "explained" if random_seed is None else f"random network {random_seed}"
        return Unit(f"{one.videos[0].name} …, stride {stride}: {who}", explain_clips, arguments, inputs)

    def _deciding(self, one: Read, stride: int) -> Unit:
        asked = {"stride": stride, "device": self._settings.device}
        inputs = self._inputs(one) | asked | {"stretch": self._places.stretch}
        name = f"{one.videos[0].name} …, stride {stride}: decided on the stretch"
        return Unit(name, decide_stretch, self._common(one) | asked, inputs)

    def _common(self, one: Read) -> dict[str, Any]:
        return {"opener": self._opener, "frames": one.frames, "places": self._places}

    def _inputs(self, one: Read) -> dict[str, Any]:
        return {"version": VERSION, "agent": self._opener.digest, "videos": _digests(one), "versions": _versions()}


def _digests(one: Read) -> list[str]:
    return [video.digest for video in one.videos]


@cache
def _versions() -> dict[str, str]:
    relevant = ("torch", "av", "numpy", "relevance-inspector")
    return {name: found for name, found in versions().items() if name in relevant}
