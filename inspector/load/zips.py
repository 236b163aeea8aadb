"""Zip files of strangers: every member checked before one is unpacked, and nothing unpacked to disk."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from inspector.errors import CheckpointError
from inspector.load.safe import MAX_FILE, guarded, plain_text

MAX_MEMBERS = 2048
"""Members of a zip."""

MAX_RATIO = 200
"""Expanded to packed bytes of a member; small members may be denser."""

FREE_RATIO = 2**20
"""Expanded bytes up to which `MAX_RATIO` does not count."""


@contextmanager
def open_zip(content: bytes, what: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip that holds to the caps.

    Raises:
        CheckpointError: If it is damaged, too large when expanded, or its members' names are not plain and unique.
    """
    # Counted before parsing, for a directory of a million members takes long to parse; twice for a zip within a zip.
    if content.count(b"PK\x01\x02") > 2 * MAX_MEMBERS:
        raise CheckpointError(f"{what} has more than {MAX_MEMBERS} members: no agent has so many")
    with guarded(what):
        archive = zipfile.ZipFile(io.BytesIO(content))
    with archive:
        _check_members(archive.infolist(), len(content), what)
        yield archive


def _check_members(members: list[zipfile.ZipInfo], size: int, what: str) -> None:
    names = [member.filename for member in members]
    if len(members) > MAX_MEMBERS:
        raise CheckpointError(f"{what} has {len(members)} members: at most {MAX_MEMBERS} are read")
    if len(set(names)) < len(names):
        raise CheckpointError(f"{what} has two members of one name: readers would disagree which counts")
    for member in members:
        _check_member(member, what)
    if sum(member.file_size for member in members) > MAX_FILE:
        raise CheckpointError(f"{what} expands to more than {MAX_FILE:,} bytes: a zip bomb")
    if sum(member.compress_size for member in members) > size:
        raise CheckpointError(f"{what} has members that overlap: a zip bomb")


def _check_member(member: zipfile.ZipInfo, what: str) -> None:
    name = member.filename
    if name.startswith(("/", "\\")) or ":" in name or ".." in name.replace("\\", "/").split("/"):
        raise CheckpointError(f"{what} has a member that points outside of it: {name[:80]!r}")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
        raise CheckpointError(f"{what} has a member packed in an unusual way or encrypted: {name[:80]!r}")
    if member.file_size > max(FREE_RATIO, MAX_RATIO * member.compress_size):
        raise CheckpointError(
            f"{what} has a member that expands {member.compress_size:,} bytes to {member.file_size:,}: a zip bomb"
        )


def read_member(archive: zipfile.ZipFile, name: str, what: str, limit: int = MAX_FILE) -> bytes:
    """Unpack one member of at most `limit` bytes, whatever size it declares.

    Raises:
        CheckpointError: If it is not there, damaged, or larger.
    """
    what = f"{plain_text(name, 80)} in {what}"
    with guarded(what), archive.open(name) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise CheckpointError(f"{what} is larger than {limit:,} bytes, the most that is read")
    return content
