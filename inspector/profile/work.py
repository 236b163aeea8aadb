"""What the processes of a profile do: read videos, explain their clips, let the network decide on the whole stretch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.clips.agent import ClipAgent
from inspector.clips.identity import digest_of
from inspector.clips.masks import cover_of, read_masks
from inspector.clips.recipe import ClipRecipe
from inspector.clips.source import Video, open_video
from inspector.errors import CheckpointError, VideoError
from inspector.profile.folder import Labelled
from inspector.profile.places import Places
from inspector.profile.untrained import with_random_weights
from inspector.records import LEDGER_PARTS, Relevance
from inspector.sweep import Arrays
from inspector.viewing.interpreter import ClipInterpreter, batch_size_of


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens the same agent wherever it is called; known by a digest, so that a process keeps what it opened.

    Attributes:
        digest: Of the network and its weights.
        open: Gives the agent; another process can import it.
    """

    digest: str
    open: Callable[[], ClipAgent] = field(compare=False)


class Trouble(IntEnum):
    """Why a video does not count."""

    NONE = 0
    UNREADABLE = 1
    SHORT = 2


def read_videos(videos: Sequence[Labelled], recipe: ClipRecipe, places: Places) -> Arrays:
    """Read the stretch in the middle of each video, as the network sees it.

    Args:
        videos: Which.
        recipe: How frames are prepared.
        places: Which frames.

    Returns:
        Of every video: `trouble`, `reason` and `frame_count`. Of those without trouble, in their order: `clips`, uint8
        (videos, stretch, rows, columns, 3); `masked`, whether there is a mask; `covers`, which share of each pixel it
        covers, float16 (videos, stretch, rows, columns), 0 without.
    """
    found = [_read(video, recipe, places) for video in videos]
    read = [one for one in found if one.trouble is Trouble.NONE]
    shape = (places.stretch, *recipe.crop)
    nothing = np.zeros(shape, np.float16)
    covers = [nothing if one.covers is None else one.covers for one in read]
    return {
        "trouble": np.array([one.trouble for one in found], np.int8),
        "reason": np.array([one.reason for one in found]),
        "frame_count": np.array([one.frame_count for one in found], np.int64),
        "clips": np.stack([one.clip for one in read]) if read else np.zeros((0, *shape, 3), np.uint8),
        "masked": np.array([one.covers is not None for one in read], bool),
        "covers": np.stack(covers) if read else np.zeros((0, *shape), np.float16),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """What was read of one video."""

    trouble: Trouble
    reason: str = ""
    frame_count: int = 0
    clip: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    covers: NDArray[np.float16] | None = None


def _read(labelled: Labelled, recipe: ClipRecipe, places: Places) -> _Stretch:
    try:
        with open_video(labelled.path) as video:
            count = video.facts.frame_count
            if count < places.stretch:
                reason = f"has {count} frames, {places.stretch} are needed for stride {max(places.strides)}"
                return _Stretch(Trouble.SHORT, reason, count)
            first = places.begin(count)
            shape = (count, video.facts.height, video.facts.width)
            covers = None if labelled.mask is None else _covers(labelled.mask, shape, first, recipe, places)
            clip = _clip(video, first, recipe, places)
    except VideoError as error:
        return _Stretch(Trouble.UNREADABLE, str(error).removeprefix(f"{labelled.path} "))
    return _Stretch(Trouble.NONE, "", count, clip, covers)


def _clip(video: Video, first: int, recipe: ClipRecipe, places: Places) -> NDArray[np.uint8]:
    """The frames of the stretch; the video is read no further."""
    end = first + places.stretch
    frames = []
    for frame in video:
        if frame.number >= first:
            frames.append(recipe.prepare(frame.image))
        if frame.number == end - 1:
            return np.stack(frames)
    raise VideoError(f"ends before frame {end - 1}, and announces more: get the file again")


def _covers(
    path: Path, shape: tuple[int, int, int], first: int, recipe: ClipRecipe, places: Places
) -> NDArray[np.float16]:
    masks, frames = read_masks(path, shape), range(first, first + places.stretch)
    return np.stack([cover_of(masks.of(frame), recipe) for frame in frames]).astype(np.float16)


def explain_clips(
    opener: Opener,
    frames: Path,
    places: Places,
    stride: int,
    *,
    composite: str,
    classes: tuple[int, ...] | None,
    random_seed: int | None,
    calibration: Path,
    device: str,
) -> Arrays:
    """Explain the clip in the middle of each video at one stride.

    Args:
        opener: The agent.
        frames: What `read_videos` left; at least one video of it was read.
        places: Which frames it holds.
        stride: Which clip.
        composite: Name of a composite or method, or a TOML file.
        classes: The class that is explained, one a video that was read; None takes the one that is recognised.
        random_seed: Gives the network new random weights; None keeps its own.
        calibration: As `frames`, for the batch norms of random weights.
        device: Where the network runs.

    Returns:
        Of every video that was read: `scores` (videos, classes); per position `absolute` and `positive` relevance
        (videos, frames), the same of the region that is marked, `region_absolute` and `region_positive`, and its share
        of the `area`; `score`, `ledger` (videos, parts) and `finite`.
    """
    agent, interpreter = _explainer(opener, composite, random_seed, calibration if random_seed is not None else None,
                                    places, device)  # fmt: skip
    clips, covers = _centred(frames, places, stride)
    size, scores, maps = batch_size_of(agent), [], []
    for start in range(0, len(clips), size):
        part = slice(start, start + size)
        for one in interpreter.explain(clips[part], None if classes is None else classes[part]):
            if one.relevance is not None:  # which it never is of an interpreter
                scores.append(one.scores)
                maps.append(one.relevance)
    return {"scores": np.stack(scores), **_sums(maps, covers)}


def _sums(found: Sequence[Relevance], covers: NDArray[np.float32]) -> Arrays:
    """What is kept of maps: sums over each position, whole and of the region. Maps that are not finite count as 0."""
    maps = np.stack([one.values if one.finite else np.zeros_like(one.values) for one in found]).astype(np.float64)
    absolute, positive = np.abs(maps), maps.clip(min=0)
    ledgers = [[one.ledger.get(part, 0.0) for part in LEDGER_PARTS] for one in found]
    return {
        "absolute": absolute.sum((2, 3)),
        "positive": positive.sum((2, 3)),
        "region_absolute": (absolute * covers).sum((2, 3)),
        "region_positive": (positive * covers).sum((2, 3)),
        "area": covers.mean((2, 3), dtype=np.float64),
        "score": np.array([one.score for one in found]),
        "ledger": np.array(ledgers),
        "finite": np.array([one.finite for one in found]),
    }


def decide_stretch(opener: Opener, frames: Path, places: Places, stride: int, *, device: str) -> Arrays:
    """Let the network see the whole stretch of each video at one stride, clip by clip.

    Args:
        opener: The agent.
        frames: What `read_videos` left.
        places: Which frames it holds.
        stride: Of the clips.
        device: Where the network runs.

    Returns:
        `probabilities`, the mean over the clips, (videos, classes); and `clips`, how many those are.
    """
    agent = _opened(opener, device)
    clips, _ = _stored(str(frames), frames.stat().st_mtime_ns)
    cuts = places.spread(stride)
    found = np.mean([_probabilities(agent, clips[:, cut]) for cut in cuts], 0)
    return {"probabilities": found, "clips": np.array(len(cuts))}


def _probabilities(agent: ClipAgent, clips: NDArray[np.uint8], size: int = 8) -> NDArray[np.float64]:
    parts = [agent.scores(clips[start : start + size]) for start in range(0, len(clips), size)]
    return softmax(np.concatenate(parts))


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities of classes, (videos, classes)."""
    powers = np.exp(scores.astype(np.float64) - scores.max(1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return found


@lru_cache(maxsize=1)
def _opened(opener: Opener, device: str) -> ClipAgent:
    agent = opener.open()
    if digest_of(agent) != opener.digest:
        raise CheckpointError(
            f"{agent.facts.name} is another network each time it is opened: let it load saved ones, or give --weights"
        )
    agent.network.to(device).eval()
    return agent


@lru_cache(maxsize=1)
def _explainer(
    opener: Opener, composite: str, random_seed: int | None, calibration: Path | None, places: Places, device: str
) -> tuple[ClipAgent, ClipInterpreter]:
    agent = _opened(opener, device)
    if random_seed is not None and calibration is not None:
        clips, _ = _centred(calibration, places, places.strides[0])
        agent = with_random_weights(agent, random_seed, clips)
    return agent, ClipInterpreter(agent, composite)


def _centred(frames: Path, places: Places, stride: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The clip in the middle of each video with what is covered in it. Where it lies hangs on the video's length."""
    clips, covers = _stored(str(frames), frames.stat().st_mtime_ns)
    cuts = [places.centred(stride, count) for count in _counts(frames)]
    clips_found = np.stack([clip[cut] for clip, cut in zip(clips, cuts, strict=True)])
    covers_found = np.stack([cover[cut] for cover, cut in zip(covers, cuts, strict=True)])
    return clips_found, covers_found.astype(np.float32)


def _counts(frames: Path) -> list[int]:
    with np.load(frames, allow_pickle=False) as stored:
        found: list[int] = stored["frame_count"][stored["trouble"] == Trouble.NONE].tolist()
    return found


@lru_cache(maxsize=2)
def _stored(frames: str, _changed: int) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """Frames and covers of a file; kept, as several strides are cut out of the same."""
    with np.load(frames, allow_pickle=False) as stored:
        return stored["clips"], stored["covers"]
