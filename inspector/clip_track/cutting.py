"""Cut clips out of a video, evenly over its length, with where its object is."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspector.clip_track.moving import compared_with, moving_part
from inspector.clips.masks import cover_of, read_masks
from inspector.clips.recipe import ClipRecipe
from inspector.clips.source import Video, open_video
from inspector.clips.windows import Windows
from inspector.errors import UsageError
from inspector.sweep import Arrays


def cut_clips(path: Path, mask: Path | None, recipe: ClipRecipe, stride: int, count: int) -> Arrays:
    """Cut some clips out of a video.

    Args:
        path: The video.
        mask: File of its masks; None guesses what moves.
        recipe: How the network sees frames.
        stride: Frames of the video from one frame of a clip to the next.
        count: How many clips; a video that is hardly longer than one gives fewer.

    Returns:
        clips: uint8 (clips, frames, rows, columns, 3), as `ClipRecipe.prepare` makes their frames.
        parts: Which part of each pixel the object covers, of 255, uint8 (clips, frames, rows, columns).
        starts: First frame of each, (clips,).

    Raises:
        VideoError: If video or mask cannot be read.
        UsageError: If the video is shorter than a clip.
    """
    windows = Windows(recipe.frames, stride)
    with open_video(path) as video:
        facts = video.facts
        starts = even_starts(windows, facts.frame_count, count)
        places = np.array([windows.places(start) for start in starts.tolist()])
        needed = sorted(set(places.ravel().tolist()))
        others = [] if mask else [one for place in needed for one in compared_with(place, facts.frame_count)]
        frames = _prepared(video, recipe, {*needed, *others})
    if mask is None:
        parts = {place: moving_part(frames, place, facts.frame_count) for place in needed}
    else:
        masks = read_masks(mask, (facts.frame_count, facts.height, facts.width))
        parts = {place: np.rint(255 * cover_of(masks.of(place), recipe)).astype(np.uint8) for place in needed}
    return {
        "clips": np.array([[frames[place] for place in row] for row in places.tolist()]),
        "parts": np.array([[parts[place] for place in row] for row in places.tolist()]),
        "starts": starts,
    }


def even_starts(windows: Windows, frame_count: int, count: int) -> NDArray[np.int64]:
    """First frames of clips that lie evenly in a video, ascending, each another one.

    Each has the middle of an equal part of all the places a clip can begin at, so that the very first frame of a video,
    which may tell its class by itself, is not preferred.

    Raises:
        UsageError: If the video is shorter than a clip.
    """
    last = frame_count - windows.block
    if last < 0:
        raise UsageError(
            f"has {frame_count} frames, {windows.block} are needed for clips of {windows.frames} frames with stride "
            f"{windows.stride}: take a smaller --stride, or a longer video"
        )
    return np.unique(((np.arange(count) + 0.5) / count * last).round().astype(np.int64))


def _prepared(video: Video, recipe: ClipRecipe, needed: set[int]) -> dict[int, NDArray[np.uint8]]:
    """Some frames as the network sees them; the video is read to the last of them."""
    found: dict[int, NDArray[np.uint8]] = {}
    last = max(needed)
    for frame in video:
        if frame.number in needed:
            found[frame.number] = recipe.prepare(frame.image)
        if frame.number == last:
            break
    return found
