"""Files that are whole or not there: a temporary name, fsync, rename. And what Ctrl-C shall not tear."""

import dataclasses
import errno
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from inspector.errors import RecordingError

PART = ".part"
"""Ending of a file that is being written and will be renamed."""

_ADVICE = {
    errno.ENOSPC: "make room or choose another folder",
    errno.EDQUOT: "make room or choose another folder",
    errno.EFBIG: "raise the limit on file size (ulimit -f) or record less",
    errno.EACCES: "choose another folder",
    errno.EPERM: "choose another folder",
    errno.EROFS: "choose another folder",
    errno.ENOTDIR: "choose another folder",
    errno.EEXIST: "a file stands where the folder belongs: choose another folder",
    errno.EISDIR: "a folder stands where the file belongs: move it away",
}


def write_error(path: str | os.PathLike[str], error: OSError) -> RecordingError:
    """The error to raise when `path` could not be written: it names the path, the cause and what to do."""
    cause = error.strerror or str(error) or type(error).__name__
    advice = _ADVICE.get(error.errno or 0, "check the disk and its permissions")
    return RecordingError(f"{os.fspath(path)} cannot be written: {cause}; {advice}")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write a file under a temporary name beside it; when the block ends well, fsync it and rename it onto `path`.

    If anything fails, `path` is what it was before, and the temporary file is gone.

    Yields:
        The temporary path to write to.

    Raises:
        RecordingError: If the file cannot be written, synced or renamed.
    """
    part = path.with_name(path.name + PART)
    try:
        yield part
        _sync(part)
        os.replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        remove(part)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back until the block is done; then it acts as it would have.

    PyAV and h5py write through a file object. `KeyboardInterrupt`, raised in there, would be lost together with what
    was to be written (PyAV goes on, with a hole in the film), or end the process (h5py).
    """
    elsewhere = threading.current_thread() is not threading.main_thread()  # signals are answered in the main one only
    if elsewhere or signal.getsignal(signal.SIGINT) is None:  # None: whoever embeds Python answers them
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if caught:
            signal.raise_signal(signal.SIGINT)


def remove(path: Path) -> None:
    """Delete a file if it is there and can be deleted; what is left over does no harm."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def sync_folder(folder: Path) -> None:
    """Make renames in a folder survive a power cut, on systems where a folder can be synced."""
    if sys.platform != "win32":
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(value: Any) -> Any:
    """A value as JSON knows it: numpy scalars and arrays, paths, dataclasses and sets become plain ones.

    NaN and infinity become None, since JSON has no word for them.

    Raises:
        TypeError: If a value has no plain form.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (np.generic, np.ndarray)):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form: {value!r}")


def to_json(content: Mapping[str, Any]) -> bytes:
    """A JSON text in UTF-8.

    Raises:
        TypeError: If a value has no plain form.
    """
    return (json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all.

    Raises:
        RecordingError: If it cannot be written.
        TypeError: If a value has no plain form.
    """
    text = to_json(content)
    with replacing(path) as part:
        part.write_bytes(text)


if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 30  # far behind the content: Windows forbids others to read a locked byte

    def lock(descriptor: int) -> bool:
        """Take the lock of an open file; False if another has it. It goes with the descriptor or the process."""
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def lock(descriptor: int) -> bool:
        """Take the lock of an open file; False if another has it. It goes with the descriptor or the process."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a file system without locks: better to record than to refuse
        return True
