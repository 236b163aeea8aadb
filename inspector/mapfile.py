"""The relevance maps of a recording: their form in the journal, and the HDF5 file made of them."""

from collections.abc import Iterable
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from inspector.files import write_error

DATASET = "relevance"
"""Name of the dataset: float16, (maps, *shape of the network input), each map compressed alone, to be read alone."""

_LARGEST = float(np.finfo(np.float16).max)


def encode_map(values: NDArray[np.float32]) -> bytes:
    """A relevance map as the journal keeps it: a `.npy` file in float16.

    Values beyond float16's ±65504 are kept at that; NaN stays NaN. Exact sums stand in the rows.
    """
    file = BytesIO()
    np.save(file, values.clip(-_LARGEST, _LARGEST).astype(np.float16), allow_pickle=False)
    return file.getvalue()


def write_maps(records: Iterable[bytes], path: Path) -> int:
    """Write encoded maps to an HDF5 file, one at a time, so that memory does not grow with their number.

    Args:
        records: What `encode_map` gave, all of one shape.
        path: The file.

    Returns:
        Number of maps.

    Raises:
        RecordingError: If the file cannot be written.
    """
    count = 0
    with _open(path) as disk:
        with h5py.File(disk, "w") as file:
            for record in records:
                values: NDArray[np.float16] = np.load(BytesIO(record), allow_pickle=False)
                maps = file[DATASET] if count else _dataset(file, values.shape)
                maps.resize(count + 1, axis=0)
                maps[count] = values
                count += 1
                if disk.error is not None:
                    break
        if disk.error is not None:
            raise write_error(path, disk.error) from disk.error
    return count


class _PatientFile(FileIO):
    """A file that keeps its first error to itself: HDF5 ends the process (SIGSEGV, 2.x) where a disk takes no more."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while self.error is None and rest:
                rest = rest[super().write(rest) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None, /) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0


def _open(path: Path) -> _PatientFile:
    try:
        return _PatientFile(path, "w+b")
    except OSError as error:
        raise write_error(path, error) from error


def _dataset(file: h5py.File, shape: tuple[int, ...]) -> h5py.Dataset:
    return file.create_dataset(
        DATASET, (0, *shape), np.float16, maxshape=(None, *shape), chunks=(1, *shape), compression="lzf", shuffle=True
    )
