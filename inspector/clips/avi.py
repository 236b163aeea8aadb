"""What the index of an AVI file says of places without a picture. For the process that decodes."""

from pathlib import Path

import numpy as np

_ENTRY = np.dtype([("chunk", "S4"), ("flags", "<u4"), ("place", "<u4"), ("bytes", "<u4")])
_HEADER = 8


def places(path: Path, stream: int) -> tuple[int, int]:
    """How many places an AVI file has for pictures of a stream, and how many of them are empty.

    AVI has a fixed rate: where a frame is shown for longer, empty places follow it. Readers pass them by, while the
    file's header counts them.

    Args:
        path: The file.
        stream: Number of the stream in it.

    Returns:
        Both; 0 and 0 if the file is no AVI or has no index of the old form (`idx1`), which all but those beyond 1 GB
        have.
    """
    index = _index_of(path)
    pictures = index[np.isin(index["chunk"], [f"{stream:02d}{kind}".encode() for kind in ("dc", "db")])]
    return len(pictures), int((pictures["bytes"] == 0).sum())


def _index_of(path: Path) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The entries of the index; none if there is no index."""
    nothing = np.empty(0, _ENTRY)
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"AVI ":
            return nothing
        place, end = 12, path.stat().st_size
        while place + _HEADER <= end:
            file.seek(place)
            kind, length = file.read(4), int.from_bytes(file.read(4), "little")
            if kind == b"idx1":
                content = file.read(min(length, end - place - _HEADER) // _ENTRY.itemsize * _ENTRY.itemsize)
                return np.frombuffer(content, _ENTRY)
            place += _HEADER + length + length % 2
    return nothing
