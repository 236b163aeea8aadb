"""An append-only file of records that a kill can cut short but not spoil: length, CRC32, bytes."""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from inspector.errors import RecordingError
from inspector.files import lock, remove, write_error

_HEAD = struct.Struct("<II")  # length of the record, CRC32 of that length and the record
_LONGEST = 1 << 26  # no record is longer: a broken length shall not make the reader allocate gigabytes


class JournalWriter:
    """Appends records, each by one `write`, so that a kill loses none that `append` returned from.

    Opening takes the journal's lock, which ends with the process, and cuts off a torn tail.

    Attributes:
        path: The file.
        record_count: Whole records in it.
        torn_bytes: What was cut off the end when it was opened: 0 unless a writer was killed or the file is damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a journal to append to; it need not exist.

        Args:
            path: The file.

        Raises:
            RecordingError: If it cannot be opened, or another process is writing it.
        """
        self.path = Path(path)
        self._error: RecordingError | None = None
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._descriptor = os.open(self.path, flags, 0o666)
        except OSError as error:
            raise write_error(self.path, error) from error
        try:
            self._claim()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _claim(self) -> None:
        if not lock(self._descriptor):
            raise RecordingError(f"{self.path.parent} is still being recorded; wait until it ends, or stop it first")
        sizes = [_HEAD.size + len(record) for record in read_journal(self.path)]
        self.record_count, self._end = len(sizes), sum(sizes)
        self.torn_bytes = os.fstat(self._descriptor).st_size - self._end
        os.ftruncate(self._descriptor, self._end)

    def append(self, record: bytes) -> None:
        """Add a record. When this returns, a kill of the process cannot lose it (a power cut can).

        Raises:
            RecordingError: If it cannot be written whole; the journal then ends with the record before, for good.
        """
        if self._error is not None:
            raise self._error
        try:
            self._write(_frame(record))
        except OSError as error:
            os.ftruncate(self._descriptor, self._end)
            self._error = write_error(self.path, error)
            raise self._error from error
        self._end += _HEAD.size + len(record)
        self.record_count += 1

    def _write(self, data: bytes) -> None:
        written = os.write(self._descriptor, data)
        while written < len(data):  # a disk that fills up takes a part first, and gives its error next
            written += os.write(self._descriptor, data[written:])

    def clear(self) -> None:
        """Drop every record."""
        os.ftruncate(self._descriptor, 0)
        self.record_count = self._end = 0

    def close(self, *, delete: bool = False) -> None:
        """Close the file and give its lock back; `delete` it then, when its content stands elsewhere."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if delete:
            remove(self.path)

    def __enter__(self) -> "JournalWriter":
        """The writer itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()


def read_journal(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield the records of a journal, one after the other, up to the first that is torn or damaged.

    Raises:
        RecordingError: If the file cannot be read.
    """
    try:
        with open(path, "rb") as file:
            while (record := _read_record(file)) is not None:
                yield record
    except OSError as error:
        raise RecordingError(f"{os.fspath(path)} cannot be read: {error.strerror or error}") from error


def _frame(record: bytes) -> bytes:
    if len(record) > _LONGEST:
        raise ValueError(f"a record of {len(record)} bytes; at most {_LONGEST} are allowed")
    return _HEAD.pack(len(record), _checksum(record)) + record


def _checksum(record: bytes) -> int:
    # The length is part of it: a run of zeros, as a power cut leaves it, is then no record of length 0.
    return zlib.crc32(record, zlib.crc32(len(record).to_bytes(4, "little")))


def _read_record(file: BinaryIO) -> bytes | None:
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, checksum = _HEAD.unpack(head)
    if length > _LONGEST:
        return None
    record = file.read(length)
    return record if len(record) == length and _checksum(record) == checksum else None
