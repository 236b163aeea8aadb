"""The videos that a track looks at: files, or folders with a subfolder a class."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inspector.clips.masks import mask_beside
from inspector.errors import UsageError, VideoError
from inspector.profile.folder import find_videos, plain_name

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")


@dataclass(frozen=True, slots=True)
class TrackedVideo:
    """A video whose clips are explained.

    Attributes:
        name: What a person calls it, different for each.
        path: The file.
        label: Number of its class; None if that is not known.
        mask: File of the masks beside it; None if there is none.
        digest: Of both files, hexadecimal.
    """

    name: str
    path: Path
    label: int | None
    mask: Path | None
    digest: str


def tracked_videos(
    sources: Sequence[Path], class_names: Sequence[str], most: int
) -> tuple[list[TrackedVideo], list[str]]:
    """The videos that are meant, in an order that does not change, and notes on what was left out.

    A file in a folder that bears the name of a class is of that class. Of a folder its subfolders count, a class each;
    if it has none, its own files.

    Args:
        sources: Files and folders.
        class_names: Of every class.
        most: If there are more videos, so many are taken, evenly from all classes.

    Raises:
        UsageError: If there is no video, or a folder does not fit the classes.
        VideoError: If a file that was named cannot be read.
    """
    found: dict[Path, TrackedVideo] = {}
    notes: list[str] = []
    for source in sources:
        for video in _of_folder(source, class_names, notes) if source.is_dir() else [_of_file(source, class_names)]:
            found.setdefault(video.path.resolve(), video)
    if not found:
        raise UsageError(f"there is no video in {', '.join(map(str, sources))}: name files, or a folder of them")
    videos = _named_apart(list(found.values()))
    if len(videos) > most:
        notes.append(f"{most} of {len(videos)} videos were taken, evenly from all; more with --probe-steps")
    return _evenly(videos, most), notes


def _of_folder(folder: Path, class_names: Sequence[str], notes: list[str]) -> Iterator[TrackedVideo]:
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    if not any(path.is_dir() for path in inside):
        for path in inside:
            if path.suffix.lower() in SUFFIXES:
                try:
                    yield _of_file(path, class_names)
                except VideoError as error:
                    notes.append(f"{error}; it was left out")
        return
    labelled, left_out = find_videos(folder, class_names)
    notes += [f"{one.name} was left out: {one.reason}" for one in left_out]
    for one in labelled:
        yield TrackedVideo(one.name, one.path, one.label, one.mask, one.digest)


def _of_file(path: Path, class_names: Sequence[str]) -> TrackedVideo:
    known = {plain_name(name): number for number, name in enumerate(class_names)}
    mask, whole = mask_beside(path), hashlib.sha256()
    for file in (path, mask) if mask else (path,):
        try:
            with file.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            raise VideoError(f"{file} cannot be read: {error.strerror or error}; check its name") from error
    return TrackedVideo(str(path), path, known.get(plain_name(path.resolve().parent.name)), mask, whole.hexdigest())


def _named_apart(videos: Sequence[TrackedVideo]) -> list[TrackedVideo]:
    """The same, with their whole path where two folders have a video of a name."""
    counts = Counter(video.name for video in videos)
    return [video if counts[video.name] == 1 else replace(video, name=str(video.path)) for video in videos]


def _evenly(videos: list[TrackedVideo], most: int) -> list[TrackedVideo]:
    """So many of them: of a list in the order of classes this takes as many of each as can be."""
    places = np.unique(np.linspace(0, len(videos) - 1, min(most, len(videos))).round().astype(int))
    return [videos[place] for place in places.tolist()]
