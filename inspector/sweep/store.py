"""Results on disk, one file a piece of work, whole or not there."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from inspector.errors import RecordingError
from inspector.files import replacing, write_error
from inspector.sweep.unit import Arrays, Unit


class Store:
    """Keeps the results of units in a folder.

    Args:
        folder: Made if it is not there.

    Raises:
        RecordingError: If it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from error
        self.folder = folder

    def has(self, unit: Unit) -> bool:
        """Whether the unit was done before."""
        return self._path(unit).is_file()

    def save(self, unit: Unit, arrays: Arrays) -> None:
        """Keep a result.

        Raises:
            RecordingError: If it cannot be written.
        """
        with replacing(self._path(unit)) as part, part.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    def load(self, unit: Unit) -> Arrays:
        """A result.

        Raises:
            RecordingError: If it is not there, or damaged.
        """
        path = self._path(unit)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror or error}") from error
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RecordingError(f"{path} is damaged: delete it, and run with --resume again") from error

    def _path(self, unit: Unit) -> Path:
        return self.folder / f"{unit.key}.npz"
