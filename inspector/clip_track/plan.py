"""Which pieces of work a track of clips is made of."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inspector.clip_track.cutting import cut_clips
from inspector.clip_track.probe import ClipProbe
from inspector.clip_track.series import ClipMember, ClipSeries
from inspector.clip_track.videos import TrackedVideo
from inspector.clip_track.work import class_of, explain_clips
from inspector.clips.recipe import ClipRecipe
from inspector.provenance import versions
from inspector.sweep import Unit
from inspector.track.plan import rules_of, text_of
from inspector.track.work import Explaining

PROBE_CLIPS = 160
"""Clips in a probe set, unless another number is asked for."""

VERSION = 3
"""Of what the pieces of work do: a change here makes all of them new."""


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """What a user chooses of a track of clips; all of it but `device` decides the numbers.

    Attributes:
        explanations: Composites and targets, the main one first.
        probe_clips: Number of clips in a probe set that is made, about.
        stride: Frames of the video from one frame of a clip to the next.
        random_networks: Untrained networks that the null lines are made of.
        seed: Of their weights.
        device: Where networks run.
    """

    explanations: tuple[Explaining, ...]
    probe_clips: int = PROBE_CLIPS
    stride: int = 1
    random_networks: int = 40
    seed: int = 0
    device: str = "cpu"


def cutting(videos: Sequence[TrackedVideo], recipe: ClipRecipe, settings: ClipSettings) -> list[Unit]:
    """Cut as many clips out of every video, evenly."""
    count = max(settings.probe_clips // len(videos), 1)
    asked = {"stride": settings.stride, "count": count}
    relevant = {name: versions()[name] for name in ("av", "torch", "opencv-python-headless", "relevance-inspector")}
    inputs = {"version": VERSION, "recipe": asdict(recipe), "versions": relevant, **asked}
    return [
        Unit(
            f"video {video.name}",
            cut_clips,
            {"path": video.path, "mask": video.mask, "recipe": recipe, **asked},
            inputs | {"video": video.digest, "masked": video.mask is not None},
        )
        for video in videos
    ]


@dataclass(frozen=True, slots=True, eq=False)
class ClipPlan:
    """The pieces of work of one series.

    Attributes:
        source: The series.
        explanations: What is asked of it.
        probing: Explain a probe set under each checkpoint: checkpoints, explanations.
        random: And under random weights of its last: explanations, networks.
    """

    source: ClipSeries
    explanations: tuple[Explaining, ...]
    probing: tuple[tuple[Unit, ...], ...]
    random: tuple[tuple[Unit, ...], ...]

    @property
    def units(self) -> list[Unit]:
        """All of them."""
        return [unit for units in (*self.probing, *self.random) for unit in units]


def clip_plan(one: ClipSeries, probe: ClipProbe, file: Path, settings: ClipSettings) -> ClipPlan:
    """What is to be done for a series.

    Args:
        one: The series.
        probe: The clips that all checkpoints are explained on.
        file: Where they lie.
        settings: What is asked.
    """

    def probing(member: ClipMember, explaining: Explaining, random_seed: int | None = None) -> Unit:
        who = text_of(member.frames, one.unit) if random_seed is None else f"untrained network {random_seed}"
        asked = {"random_seed": random_seed, "device": settings.device}
        inputs = _of_member(member) | asked | {"probe": probe.digest} | of_explaining(explaining, one.class_names)
        arguments = {"member": member, "probe": file, "explaining": explaining, **asked}
        name = f"{one.name} {who}: same clips, {explaining.composite} of {explaining.target}"
        return Unit(name, explain_clips, arguments, inputs)

    explanations, last = settings.explanations, one.members[-1]
    seeds = [settings.seed + number for number in range(settings.random_networks)]
    return ClipPlan(
        one,
        explanations,
        tuple(tuple(probing(member, explaining) for explaining in explanations) for member in one.members),
        tuple(tuple(probing(last, explaining, seed) for seed in seeds) for explaining in explanations),
    )


def of_explaining(explaining: Explaining, class_names: tuple[str, ...]) -> dict[str, Any]:
    """What explains, as its results depend on it; errors are those of `class_of` and `composite_of`."""
    return {"composite": rules_of(explaining.composite), "target": class_of(explaining.target, class_names)}


def _of_member(member: ClipMember) -> dict[str, Any]:
    """What a checkpoint adds to what a result depends on."""
    relevant = ("torch", "numpy", "relevance-inspector")
    return {
        "version": VERSION,
        "agent": member.digest,
        "versions": {name: found for name, found in versions().items() if name in relevant},
    }
