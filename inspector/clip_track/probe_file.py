"""Probe sets of clips as files: arrays in an npz, which holds numbers and text alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.clip_track.probe import FORMAT, UNKNOWN, ClipProbe
from inspector.clips.recipe import ClipRecipe
from inspector.errors import UsageError
from inspector.files import replacing
from inspector.probe_file import DAMAGE, MAX_BYTES, stored


def save_clip_probe(probe: ClipProbe, path: Path) -> None:
    """Write a probe set to a file, whole or not at all.

    Raises:
        UsageError: If it is too large to be read again.
        RecordingError: If it cannot be written.
    """
    size = probe.clips.nbytes + probe.parts.nbytes
    if size > MAX_BYTES // 2:
        fewer = len(probe) * (MAX_BYTES // 2) // size
        raise UsageError(
            f"{len(probe):,} clips take {size / 2**30:.1f} GiB: ask for at most {fewer:,}, by --probe-steps"
        )
    header = np.frombuffer(json.dumps(probe.header, sort_keys=True).encode(), np.uint8)
    arrays: dict[str, Any] = {"header": header, **probe.arrays}
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_clip_probe(path: Path) -> ClipProbe:
    """Read a probe set.

    Raises:
        UsageError: If there is none, or it is damaged, of another version or of a game.
    """
    try:
        header, arrays = stored(path, FORMAT)
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in header["recipe"].items()
        }
        classes, names = tuple(map(str, header["classes"])), tuple(map(str, header["videos"]))
        recipe = ClipRecipe(**told)
        _check_arrays(arrays, recipe, len(classes), len(names))
        return ClipProbe(recipe, classes, int(header["stride"]), names, **arrays, facts=header["facts"])
    except DAMAGE as error:
        raise UsageError(
            f"{path} is no probe set of clips, or damaged: {error}; leave --probe out to make a new one"
        ) from error


def _check_arrays(arrays: dict[str, NDArray[Any]], recipe: ClipRecipe, classes: int, videos: int) -> None:
    """Raise ValueError unless they are what a probe set has."""
    count, shape = len(arrays["clips"]), (recipe.frames, *recipe.crop)
    wanted = {"clips": (count, *shape, 3), "parts": (count, *shape), "sure": (videos,)}
    wanted |= dict.fromkeys(("videos", "starts", "labels", "targets"), (count,))
    kinds = {"clips": np.uint8, "parts": np.uint8, "sure": np.bool_}
    if set(arrays) != set(wanted) or not count:
        raise ValueError(f"it holds {', '.join(arrays)} of {count} clips")
    for name, array in arrays.items():
        if array.shape != wanted[name] or array.dtype != kinds.get(name, np.int64):
            raise ValueError(f"its {name} are {array.dtype} {array.shape}, {wanted[name]} is expected")
    for name, least, end in (("videos", 0, videos), ("labels", UNKNOWN, classes), ("targets", 0, classes)):
        if arrays[name].min() < least or arrays[name].max() >= end:
            raise ValueError(f"its {name} are {arrays[name].min()} to {arrays[name].max()}, of {end}")
