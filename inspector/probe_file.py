"""Probe sets as files: arrays in an npz, which holds numbers and text alone."""

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspector.errors import UsageError
from inspector.files import replacing
from inspector.probe import FORMAT, ProbeSet, Stack, State
from inspector.records import Box, Preprocessing, Region

MAX_BYTES = 2**31
"""Of a probe set, unpacked."""

_CONTENT = (ValueError, KeyError, TypeError, IndexError, AttributeError)
_ARCHIVE = (OSError, EOFError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error)
DAMAGE = (*_CONTENT, *_ARCHIVE)
"""What reading a damaged file may raise: by what it says, and by what numpy and zipfile meet on the way."""

Place = tuple[int, int, int]
"""State, stacked frame, region."""


def save_probe(probe: ProbeSet, path: Path) -> None:
    """Write a probe set to a file, whole or not at all.

    Raises:
        UsageError: If it is too large to be read again.
        RecordingError: If it cannot be written.
    """
    size = sum(map(_bytes_of, probe.states))
    if size > MAX_BYTES:
        fewer = len(probe) * MAX_BYTES // size
        raise UsageError(
            f"{len(probe):,} states take {size / 2**30:.1f} GiB, and a probe set holds {MAX_BYTES >> 30} GiB at most: "
            f"ask for at most {fewer:,}, by --probe-steps"
        )
    header = np.frombuffer(json.dumps(probe.header, sort_keys=True).encode(), np.uint8)
    arrays: dict[str, Any] = {"header": header, **arrays_of(probe.states)}
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _bytes_of(state: State) -> int:
    """Bytes of one state in a file, unpacked; a little too many."""
    boxes = sum(len(region.boxes) for regions in state.regions for region in regions or ())
    return state.observation.nbytes + state.screen.nbytes + 44 * boxes + 1000


def read_probe(path: Path) -> ProbeSet:
    """Read a probe set.

    Raises:
        UsageError: If there is none, or it is damaged or of another version.
    """
    try:
        header, arrays = stored(path, FORMAT)
        names, recipe = tuple(header["regions"]), Preprocessing(**header["preprocessing"])
        states = states_of(arrays, names)
        if states[0].observation.shape != (recipe.stack, recipe.height, recipe.width):
            raise ValueError(f"its observations are {states[0].observation.shape}, and its recipe says otherwise")
        return ProbeSet(header["environment"], recipe, names, states, header["facts"])
    except DAMAGE as error:
        raise UsageError(f"{path} is no probe set, or damaged: {error}; leave --probe out to make a new one") from error


def stored(path: Path, form: int | str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a file of saved states holds, of whatever kind: its header, and its arrays.

    Args:
        path: The file.
        form: What the header has to give as its `format`.

    Raises:
        UsageError: If there is no such file.
        Exception: One of `DAMAGE`, if it is damaged or of another format.
    """
    if not path.is_file():
        raise UsageError(f"there is no probe set {path}: name a file that `inspector track` wrote as probe.npz")
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
            raise ValueError(f"it unpacks to more than {MAX_BYTES >> 30} GiB")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
        arrays = {name: content[name] for name in content.files}
    header: dict[str, Any] = json.loads(arrays.pop("header").tobytes())
    if header.get("format") != form:
        raise ValueError(f"its format is {header.get('format')}, and {form!r} is read")
    return header, arrays


def arrays_of(states: Sequence[State]) -> dict[str, NDArray[Any]]:
    """All states as arrays; a box is a row, with its place in another array."""
    places: list[Place] = []
    boxes: list[Box] = []
    unsure: list[Place] = []
    missing: list[tuple[int, int]] = []
    for number, state in enumerate(states):
        for frame, regions in enumerate(state.regions):
            if regions is None:
                missing.append((number, frame))
            for index, region in enumerate(regions or ()):
                places += [(number, frame, index)] * len(region.boxes)
                boxes += region.boxes
                unsure += [] if region.sure else [(number, frame, index)]
    return {
        "observations": np.stack([state.observation for state in states]),
        "screens": np.stack([state.screen for state in states]),
        "places": np.array(places, np.int32).reshape(-1, 3),
        "boxes": np.array(boxes, np.float64).reshape(-1, 4),
        "missing": np.array(missing, np.int32).reshape(-1, 2),
        "unsure": np.array(unsure, np.int32).reshape(-1, 3),
        "origins": np.array([(state.source, state.episode, state.step) for state in states], np.int64),
        "phases": np.array([state.phase for state in states], np.str_),
    }


def states_of(arrays: Mapping[str, NDArray[Any]], names: Sequence[str]) -> tuple[State, ...]:
    """The states that `arrays_of` was given.

    Raises:
        ValueError, KeyError: If these are not such arrays.
    """
    observations, screens = arrays["observations"], arrays["screens"]
    if observations.dtype != np.uint8 or observations.ndim != 4 or not 0 < len(observations) == len(screens):
        raise ValueError(f"observations are {observations.dtype} {observations.shape}, screens {screens.shape}")
    if screens.dtype != np.uint8 or screens.shape[3:] != (3,) or not np.isfinite(arrays["boxes"]).all():
        raise ValueError(f"screens are {screens.dtype} {screens.shape}, or a box has an edge that is no number")
    stacks = _stacks(arrays, names, observations.shape[:2])
    rows = zip(observations, screens, stacks, arrays["origins"].tolist(), arrays["phases"].tolist(), strict=True)
    return tuple(
        State(seen, screen, stack, source, episode, step, phase)
        for seen, screen, stack, (source, episode, step), phase in rows
    )


def _stacks(arrays: Mapping[str, NDArray[Any]], names: Sequence[str], shape: tuple[int, ...]) -> list[Stack]:
    """The regions of every stacked frame of every state."""
    boxes: dict[Place, list[Box]] = {}
    for place, box in zip(arrays["places"].tolist(), arrays["boxes"].tolist(), strict=True):
        boxes.setdefault(tuple(place), []).append(tuple(box))
    missing, unsure = (set(map(tuple, arrays[name].tolist())) for name in ("missing", "unsure"))

    def regions(state: int, frame: int) -> tuple[Region, ...] | None:
        if (state, frame) in missing:
            return None
        places = [(state, frame, index) for index in range(len(names))]
        each = zip(names, places, strict=True)
        return tuple(Region(name, tuple(boxes.get(place, ())), place not in unsure) for name, place in each)

    return [tuple(regions(state, frame) for frame in range(shape[1])) for state in range(shape[0])]
