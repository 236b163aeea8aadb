"""A folder of labelled videos: a subfolder a class."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspector.clips.masks import mask_beside
from inspector.errors import UsageError, VideoError
from inspector.load.class_names import numbered

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Labelled:
    """A video of which the class is known.

    Attributes:
        name: Its path below the folder.
        path: The file.
        label: Number of its class.
        mask: File of the masks beside it; None if there is none.
        digest: Of both files, hexadecimal.
    """

    name: str
    path: Path
    label: int
    mask: Path | None
    digest: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A video that does not count.

    Attributes:
        name: Its path below the folder, or that of a folder.
        reason: Why, in a line.
        videos: How many files it stands for.
    """

    name: str
    reason: str
    videos: int = 1


def find_videos(folder: Path, class_names: Sequence[str]) -> tuple[list[Labelled], list[LeftOut]]:
    """The videos in the subfolders of a folder, by class and name; and what lies there and is of no class.

    A subfolder has the name of a class, whatever its case; a space, `-` and `_` are the same. Every file in it counts
    as a video but masks and what begins with a dot.

    Raises:
        UsageError: If there is no such folder, no subfolder of a class, no video in any, or classes whose names do not
            differ.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder: give one with a subfolder of videos for each class")
    numbers = _by_name(class_names)
    found, left_out = [], []
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        files = sorted(_videos_of(place))
        label = numbers.get(plain_name(place.name))
        if label is None and files:
            left_out.append(LeftOut(place.name, f"the agent knows no class {place.name!r}", len(files)))
        elif label is not None:
            for file in files:
                try:
                    found.append(_labelled(folder, file, label))
                except VideoError as error:
                    left_out.append(LeftOut(file.relative_to(folder).as_posix(), str(error)))
    if not found:
        raise UsageError(_nothing(folder, class_names, left_out))
    return sorted(found, key=lambda video: (video.label, video.name)), left_out


def plain_name(name: str) -> str:
    """A class's name in small letters, with one space where it has spaces, `-` or `_`."""
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _by_name(class_names: Sequence[str]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for number, name in enumerate(class_names):
        before = numbers.setdefault(plain_name(name), number)
        if before != number:
            raise UsageError(
                f"classes {before} and {number} are both called {name!r}, so folders cannot tell them apart: "
                "give names that differ with --classes"
            )
    return numbers


def _videos_of(place: Path) -> Iterator[Path]:
    for path in place.iterdir():
        counts = path.is_file() or (path.is_symlink() and not path.exists())  # a link to nothing is told of
        if counts and not path.name.startswith(".") and not path.name.endswith(".mask.npz"):
            yield path


def _labelled(folder: Path, path: Path, label: int) -> Labelled:
    mask, whole = mask_beside(path), hashlib.sha256()
    for file in (path, mask) if mask else (path,):
        try:
            with file.open("rb") as content:
                whole.update(hashlib.file_digest(content, "sha256").digest())
        except OSError as error:
            raise VideoError(f"{file.name} cannot be read: {error.strerror or error}; see where it lies") from error
    return Labelled(path.relative_to(folder).as_posix(), path, label, mask, whole.hexdigest())


def _nothing(folder: Path, class_names: Sequence[str], left_out: Sequence[LeftOut]) -> str:
    known = ", ".join(class_names[:_SHOWN]) + (f" and {len(class_names) - _SHOWN} more" * (len(class_names) > _SHOWN))
    strangers = ", ".join(one.name for one in left_out[:_SHOWN] if "/" not in one.name)
    broken = next((one.reason for one in left_out if "/" in one.name), "")
    found = f"only folders of no class of the agent: {strangers}" if strangers else "no videos in subfolders"
    found = f"no video that can be read ({broken})" if broken else found
    named = "; name your own classes with --classes FILE" if class_names == numbered(len(class_names)) else ""
    return f"{folder} holds {found}: make a subfolder of videos for each class ({known}){named}"
