"""Damaged films by the hundred: `python -m tests.clips.fuzz [COUNT]`. Each is whole in number or a clear error.

Mutants are made from their number, but the encoder may give other bytes another time: a bad one is kept.
"""

import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from inspector.clips.limits import Limits
from inspector.clips.source import open_video
from inspector.errors import VideoError
from tests.clips.making import number_of, write

FRAMES = 60
WHOLE, OTHER, LOST = "whole, every number right", "whole, a picture is another", "FRAMES LOST IN SILENCE"
EDITED, TURNED = "fewer, and a note says that the file wants it so", "whole, of another shape as the file wants it"


def flip(content: bytearray, chance: random.Random) -> None:
    """Some bits anywhere."""
    for _ in range(chance.choice([1, 2, 4, 16])):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def flip_index(content: bytearray, chance: random.Random) -> None:
    """A few bits of the index."""
    start = content.find(b"moov")
    length = int.from_bytes(content[start - 4 : start], "big")
    for _ in range(chance.choice([1, 2, 4])):
        content[start + chance.randrange(4, length - 4)] ^= 1 << chance.randrange(8)


def cut(content: bytearray, chance: random.Random) -> None:
    """The end is gone."""
    del content[chance.randrange(len(content)) :]


def resize_box(content: bytearray, chance: random.Random) -> None:
    """A box says a wrong length."""
    kinds = b"ftyp moov trak mdia minf stbl stsd stts stsz stsc stco ctts elst edts tkhd mdhd mdat free moof traf trun"
    places = [place for kind in kinds.split() if (place := content.find(kind)) >= 4]
    place = chance.choice(places) - 4
    length = chance.choice([0, 1, 7, 8, 9, 16, 1 << 31, (1 << 32) - 1, chance.randrange(1 << 16)])
    content[place : place + 4] = length.to_bytes(4, "big")


def punch(content: bytearray, chance: random.Random) -> None:
    """A hole of zeros, as a disk leaves it."""
    start = chance.randrange(len(content))
    end = min(len(content), start + chance.choice([16, 128, 1024]))
    content[start:end] = bytes(end - start)


def drop(content: bytearray, chance: random.Random) -> None:
    """A piece is left out."""
    start = chance.randrange(len(content))
    del content[start : start + chance.choice([1, 16, 512])]


MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [flip, flip_index, cut, resize_box, punch, drop]


def originals(folder: Path) -> list[bytes]:
    """An ordinary MP4, one with the index in front, and one in fragments."""
    flags = ["", "+faststart", "frag_keyframe+empty_moov+default_base_moof"]
    return [write(folder / "film.mp4", FRAMES, movflags=each).read_bytes() for each in flags]


def mutant(number: int, whole: list[bytes]) -> tuple[str, bytes]:
    """The name of a mutation, and what it makes of one of the films."""
    chance = random.Random(number)
    content, act = bytearray(chance.choice(whole)), MUTATIONS[number % len(MUTATIONS)]
    act(content, chance)
    return act.__name__, bytes(content)


def outcome(path: Path) -> str:
    """What comes of reading a film; another error than ours goes on up."""
    numbers = []
    try:
        with open_video(path, limits=Limits(patience=120)) as video:
            numbers = [number_of(frame.image) for frame in video]
    except VideoError as error:
        text = str(error)
        assert text.startswith(str(path)) and "\n" not in text, text
        return _kind(text.removeprefix(str(path)))
    if len(numbers) != FRAMES:
        return EDITED if video.notes and video.facts.frame_count == len(numbers) else LOST
    if (video.facts.width, video.facts.height) != (160, 96):
        return TURNED
    return WHOLE if numbers == list(range(FRAMES)) else OTHER


def _kind(text: str) -> str:
    starts = [
        *("is damaged", "is no MP4", "holds no", "does not say", "is empty", "needs more", "broke its decoder"),
        *("has frames of", "holds", "changes its size", "is turned"),
    ]
    return "error: " + next((start for start in starts if text.strip().startswith(start)), text.strip())


def run(count: int, first: int = 0) -> Counter[tuple[str, str]]:
    """Read so many mutants; how often each mutation led to each outcome."""
    table: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        whole = originals(Path(folder))
        for number in range(first, first + count):
            name, content = mutant(number, whole)
            path = Path(folder) / "mutant.mp4"
            path.write_bytes(content)
            found = outcome(path)
            table[name, found] += 1
            if found in {OTHER, LOST}:
                kept = shutil.copy(path, Path(tempfile.gettempdir()) / f"mutant-{number}.mp4")
                sys.stderr.write(f"mutant {number} ({name}): {found}; see {kept}\n")
    return table


def main() -> None:
    """Print the table."""
    table = run(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
    outcomes = sorted({found for _, found in table})
    for found in outcomes:
        parts = ", ".join(f"{act.__name__} {table[act.__name__, found]}" for act in MUTATIONS)
        total = sum(table[act.__name__, found] for act in MUTATIONS)
        sys.stdout.write(f"{total:4} {found}  ({parts})\n")


if __name__ == "__main__":
    main()
