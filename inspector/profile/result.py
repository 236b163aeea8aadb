"""What a profile found: at every stride, and of all strides together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.profile.choice import Choice
from inspector.profile.folder import Labelled, LeftOut
from inspector.profile.measures import Change, Profile, RegionShare
from inspector.profile.paired import Accuracy, Comparison
from inspector.profile.places import Places
from inspector.profile.plan import Settings
from inspector.sweep import Arrays


@dataclass(frozen=True, eq=False)
class AtStride:
    """What was found at one stride, a row a video.

    Attributes:
        stride: Frames of the video from one frame of a clip to the next.
        found: Scores and sums of relevance under the agent's own weights: see `work.explain_clips`.
        probabilities: Of the classes, (videos, classes).
        stretch: The mean of these over clips that go over the whole stretch, likewise.
        stretch_clips: How many clips those are.
        right: Which videos were recognised.
        stretch_right: Likewise, by the clips that go over the stretch.
        accuracy: By the clip in the middle.
        stretch_accuracy: By the clips that go over the stretch.
        profiles: Shares per position, by kind.
        regions: Share of what masks mark, by kind; None without masks.
    """

    stride: int
    found: Arrays
    probabilities: NDArray[np.float64]
    stretch: NDArray[np.float64]
    stretch_clips: int
    right: NDArray[np.bool_]
    stretch_right: NDArray[np.bool_]
    accuracy: Accuracy
    stretch_accuracy: Accuracy
    profiles: Mapping[str, Profile]
    regions: Mapping[str, RegionShare | None]


@dataclass(frozen=True, eq=False)
class Result:
    """A profile.

    Attributes:
        agent: The classifier.
        source: Folder of the videos.
        settings: What was chosen.
        places: Which frames clips are made of.
        videos: The videos that count, by class and name.
        frame_counts: Frames of each.
        masked: Which have masks.
        counts: Which have relevance to be shared out, by kind.
        random_videos: How many were explained under random weights.
        networks: Seeds of the random weights under which there is relevance, by kind: others do not count.
        at: What was found, by stride.
        compared: Accuracy at each other stride with that at the smallest.
        stretch_compared: Each other stride's middle clip with the smallest stride's clips over the stretch.
        changes: How the border-to-centre ratio of the absolute relevance changes, by each other stride.
        choice: A stride by relevance alone; None where there is one stride, or a ratio without a meaning, or random
            networks that the agent is not like.
        left_out: Videos that do not count.
        seconds: How long each part took.
    """

    agent: ClipAgent
    source: Path
    settings: Settings
    places: Places
    videos: tuple[Labelled, ...]
    frame_counts: NDArray[np.int64]
    masked: NDArray[np.bool_]
    counts: Mapping[str, NDArray[np.bool_]]
    random_videos: int
    networks: Mapping[str, tuple[int, ...]]
    at: Mapping[int, AtStride]
    compared: tuple[Comparison, ...]
    stretch_compared: tuple[Comparison, ...]
    changes: Mapping[int, Change]
    choice: Choice | None
    left_out: tuple[LeftOut, ...]
    seconds: Mapping[str, float]
